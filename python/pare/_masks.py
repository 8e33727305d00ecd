"""Comparison of masks."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from typing import Any, Union

from pare import _core
from pare._progress import Progress, follow
from pare._results import frame

Path = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True)
class MaskAgreement:
    """How many weights two masks keep, of a tensor, of a layer or overall."""

    name: str
    weights: int
    kept_a: int
    kept_b: int
    kept_both: int
    only_a: int
    only_b: int
    jaccard: float  # kept_both of those that either keeps; 1 if neither keeps any


@dataclass(frozen=True, repr=False)
class MaskComparison:
    a: str
    b: str
    overall: MaskAgreement
    layers: list[MaskAgreement]
    tensors: list[MaskAgreement]  # those that both masks have
    only_in_a: list[str]  # names of tensors that the other does not have
    only_in_b: list[str]
    text: str = field(compare=False)
    markdown: str = field(compare=False)

    @classmethod
    def parse(cls, document: str, text: str, markdown: str) -> MaskComparison:
        data = json.loads(document)
        for key in ("layers", "tensors"):
            data[key] = [MaskAgreement(**row) for row in data[key]]
        data["overall"] = MaskAgreement(name="overall", **data["overall"])
        return cls(**data, text=text, markdown=markdown)

    def to_pandas(self, rows: str = "layers") -> Any:
        """A DataFrame with a line for each layer or, with "tensors", for each tensor."""
        if rows not in ("layers", "tensors"):
            raise ValueError(f"rows: {rows!r} is not one of layers, tensors")
        return frame([asdict(row) for row in (self.layers if rows == "layers" else self.tensors)])

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"MaskComparison({self.a!r}, {self.b!r}, jaccard={self.overall.jaccard})"


def compare_masks(a: Path, b: Path, *, threads: int = 0, progress: Progress = None) -> MaskComparison:
    """Compares two masks: files that save_mask() or `pare prune --save-mask` wrote, or models, whose zeros count."""
    with follow("comparing masks", progress) as report:
        return MaskComparison.parse(*_core.compare_masks(os.fspath(a), os.fspath(b), threads, report))

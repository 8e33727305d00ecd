"""What Model.check() finds."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Optional

from pare import _html


@dataclass(frozen=True)
class PatternShare:
    """How many groups of a matrix an N:M pattern holds for."""

    pattern: str  # for example "2:4"
    groups: int
    complying: int


@dataclass(frozen=True)
class TensorCheck:
    name: str
    dtype: str
    parameters: int
    zeros: int  # of either sign
    negative_zeros: int
    nan: int
    inf: int
    # Of the weight matrix of a linear; None and empty for others.
    outputs: Optional[int] = None
    inputs: Optional[int] = None
    dead_outputs: Optional[int] = None  # those whose weights are all zero
    dead_inputs: Optional[int] = None
    pattern: Optional[str] = None  # that of the fewest weights that holds for all groups along the inputs
    along_inputs: tuple[PatternShare, ...] = ()
    along_outputs: tuple[PatternShare, ...] = ()

    @classmethod
    def parse(cls, data: dict[str, Any]) -> TensorCheck:
        shares = {
            key: tuple(PatternShare(**share) for share in data.get(key, [])) for key in ("along_inputs", "along_outputs")
        }
        return cls(**{**data, **shares})


@dataclass(frozen=True)
class Finding:
    kind: str  # for example "almost-pattern" or "negative-zeros"
    text: str  # a sentence without the names of tensors
    tensors: list[str]


@dataclass(frozen=True, repr=False)
class ModelCheck:
    """The checks of a model. str() gives the command line's text."""

    title: str
    source: str
    architecture: str
    findings: list[Finding]  # empty if nothing is wrong
    tensors: list[TensorCheck]
    text: str = field(compare=False)
    markdown: str = field(compare=False)

    @classmethod
    def parse(cls, document: str, text: str, markdown: str) -> ModelCheck:
        model = json.loads(document)["models"][0]
        return cls(
            **{key: model[key] for key in ("title", "source", "architecture")},
            findings=[Finding(**finding) for finding in model["findings"]],
            tensors=[TensorCheck.parse(tensor) for tensor in model["tensors"]],
            text=text,
            markdown=markdown,
        )

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"ModelCheck({self.title!r}, findings={len(self.findings)})"

    def _repr_html_(self) -> str:
        rows = [[finding.kind, finding.text, ", ".join(finding.tensors)] for finding in self.findings]
        return _html.heading(self.title, f"{len(rows)} findings") + _html.table(["", "finding", "tensors"], rows)

"""Pruning of checkpoints, and what it gives."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Optional, Union

from pare import _core, _html
from pare._progress import Progress, follow
from pare._results import frame, number

if TYPE_CHECKING:
    from pare._model import Model

Level = Union[int, float, str]
Levels = Union[Level, Iterable[Level]]
Path = Union[str, "os.PathLike[str]"]


def level_texts(levels: Optional[Levels]) -> list[str]:
    """Percentages as the library reads them: 90 becomes "90", 99.9 becomes "99.9"."""
    if levels is None:
        return []
    if isinstance(levels, (int, float, str)):
        levels = [levels]
    return [level if isinstance(level, str) else repr(level).removesuffix(".0") for level in levels]


def inputs(
    criterion: str, refit: bool, data: Optional[Path], statistics: Optional[Path], true_sequential: bool
) -> dict[str, Any]:
    """What a criterion reads of a text. Raises ValueError unless it is given just once, and only where it is needed."""
    if data is not None and statistics is not None:
        raise ValueError("statistics: they take the place of data, so only one of them is given")
    given = data is not None or statistics is not None
    if (refit or criterion in ("wanda", "sparsegpt", "alps")) != given:
        needs = "does not look at a text" if given else "needs a text to calibrate on, or statistics"
        raise ValueError(f"data: the criterion {criterion!r} {needs}")
    if not true_sequential and data is None:
        raise ValueError("true_sequential: it applies to criteria that run the model on data")
    return {
        "data": "" if data is None else os.fspath(data),
        "statistics": "" if statistics is None else os.fspath(statistics),
        "true_sequential": true_sequential,
    }


def settings(criterion: str, refit: bool, damping: Optional[float], block_size: Optional[int]) -> dict[str, Any]:
    """The settings of a criterion, those that are None by default. Raises ValueError for one without effect."""
    if damping is not None and not (refit or criterion in ("sparsegpt", "alps")):
        raise ValueError(f"damping: the criterion {criterion!r} has none")
    if block_size is not None and criterion != "sparsegpt":
        raise ValueError(f"block_size: the criterion {criterion!r} has none")
    chosen = {"damping": damping, "block_size": block_size}
    return {name: value for name, value in chosen.items() if value is not None}


@dataclass(frozen=True)
class PrunedTensor:
    name: str
    parameters: int
    zeros_before: int
    pruned: int
    zeros: int


@dataclass(frozen=True)
class PrunedLevel:
    """What one level does."""

    level: str  # as it was asked for, a percentage
    pruned: int  # weights that become 0, including those that were 0 before
    zeros: int  # among the weights that could be pruned
    sparsity_percent: float  # of these weights
    model_sparsity_percent: float  # of all parameters
    threshold: Optional[float]  # the largest pruned |w|, with one threshold for all
    tensors: list[PrunedTensor] = field(repr=False)
    directory: Optional[str] = None  # where it was written

    @classmethod
    def parse(cls, data: dict[str, Any]) -> PrunedLevel:
        return cls(
            **{key: data[key] for key in ("level", "pruned", "zeros")},
            sparsity_percent=number(data["sparsity_percent"]),
            model_sparsity_percent=number(data["model_sparsity_percent"]),
            threshold=data.get("threshold"),
            tensors=[PrunedTensor(**row) for row in data["tensors"]],
            directory=data.get("directory") or None,
        )


class Pruning:
    """The weights that each level prunes. Nothing is written before save(); model() gives a level in memory."""

    def __init__(self, plan: _core.Plan, threads: int) -> None:
        self._plan = plan
        self._threads = threads
        self._describe([""] * len(plan.labels()))

    def _describe(self, directories: list[str]) -> None:
        document, self.text, self.markdown = self._plan.summary(directories, self._threads)
        data = json.loads(document)
        self.candidates: int = data["candidates"]  # number of weights that could be pruned
        self.criterion: str = data["criterion"]
        self.scope: str = data["scope"]
        self.pattern: str = data["pattern"]
        self.title: str = data["title"]
        self.levels = [PrunedLevel.parse(level) for level in data["levels"]]

    def _index(self, level: Optional[Level]) -> int:
        labels = self._plan.labels()
        if level is None and len(labels) == 1:
            return 0
        wanted = level_texts(level)
        if len(wanted) == 1 and wanted[0] in labels:
            return labels.index(wanted[0])
        raise KeyError(f"level {level!r} is not one of {', '.join(labels)}")

    def model(self, level: Optional[Level] = None, *, progress: Progress = None) -> Model:
        """The model pruned to a level, in memory. Tensors that are not pruned are shared, not copied."""
        from pare._model import Model

        with follow("pruning", progress) as report:
            return Model(self._plan.model(self._index(level), self._threads, report))

    def __getitem__(self, level: Level) -> Model:
        return self.model(level)

    def save(self, out: Path, *, force: bool = False, progress: Progress = None) -> list[str]:
        """Writes a checkpoint for each level, which from_pretrained() loads, and returns their directories.

        A single level is written to `out` itself, several to out/sparsity-LEVEL. `force` replaces an output of pare.
        """
        with follow(f"writing {os.fspath(out)}", progress) as report:
            directories = self._plan.write(os.fspath(out), force, self._threads, report)
        self._describe(directories)
        return directories

    def save_mask(self, out: Path, level: Optional[Level] = None, *, force: bool = False, progress: Progress = None) -> None:
        """Writes which weights a level leaves: a safetensors file with a tensor of bools for each pruned matrix.

        `torch.nn.utils.prune.custom_from_mask` takes these tensors, and Model.prune(mask=...) the file.
        """
        with follow(f"writing {os.fspath(out)}", progress) as report:
            self._plan.write_mask(self._index(level), os.fspath(out), force, self._threads, report)

    def save_levels(self, out: Path, level: Optional[Level] = None, *, force: bool = False) -> None:
        """Writes the level that an allocation gave to each matrix, for prune(levels_file=...) of any criterion."""
        self._plan.write_levels(self._index(level), os.fspath(out), force)

    def to_pandas(self, rows: str = "levels") -> Any:
        """A DataFrame with a line for each level or, with "tensors", for each level and tensor."""
        if rows not in ("levels", "tensors"):
            raise ValueError(f"rows: {rows!r} is not one of levels, tensors")
        if rows == "tensors":
            return frame([{"level": level.level, **asdict(row)} for level in self.levels for row in level.tensors])
        lines = [asdict(level) for level in self.levels]
        for line in lines:
            del line["tensors"]
        return frame(lines)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        levels = ", ".join(level.level for level in self.levels)
        return f"Pruning({self.title!r}, criterion={self.criterion!r}, levels=[{levels}])"

    def _repr_html_(self) -> str:
        titles = ["level", "pruned", "zeros", "sparsity (%)", "of the model (%)", "threshold"]
        rows = [
            [x.level, x.pruned, x.zeros, round(x.sparsity_percent, 2), round(x.model_sparsity_percent, 2), x.threshold]
            for x in self.levels
        ]
        last = self.levels[-1]
        chart = _html.bars(
            f"Zeros of each tensor at {last.level} %",
            [tensor.name for tensor in last.tensors],
            [round(100 * tensor.zeros / max(1, tensor.parameters), 2) for tensor in last.tensors],
            " %",
        )
        return _html.heading(self.title, f"{self.criterion}, {self.pattern}") + _html.table(titles, rows) + chart


@dataclass(frozen=True)
class PackedTensor:
    name: str
    dtype: str
    encoding: str
    elements: int
    nonzeros: int
    dense_bytes: int
    packed_bytes: int


@dataclass(frozen=True, repr=False)
class Packing:
    """How each tensor is stored in packed files."""

    title: str
    dense_bytes: int
    packed_bytes: int
    tensors: list[PackedTensor]
    text: str = field(compare=False)
    markdown: str = field(compare=False)

    @classmethod
    def parse(cls, document: str, text: str, markdown: str) -> Packing:
        data = json.loads(document)
        plain = {key: data[key] for key in ("title", "dense_bytes", "packed_bytes")}
        return cls(**plain, tensors=[PackedTensor(**row) for row in data["tensors"]], text=text, markdown=markdown)

    def to_pandas(self) -> Any:
        return frame([asdict(row) for row in self.tensors])

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Packing({self.title!r}, dense_bytes={self.dense_bytes}, packed_bytes={self.packed_bytes})"

    def _repr_html_(self) -> str:
        titles = ["encoding", "tensors", "dense bytes", "packed bytes"]
        totals: dict[str, list[int]] = {}
        for tensor in self.tensors:
            total = totals.setdefault(tensor.encoding, [0, 0, 0])
            for i, value in enumerate((1, tensor.dense_bytes, tensor.packed_bytes)):
                total[i] += value
        rows: list[list[object]] = [[encoding, *total] for encoding, total in totals.items()]
        rows.append(["files", len(self.tensors), self.dense_bytes, self.packed_bytes])
        chart = _html.bars("Bytes packed", [str(row[0]) for row in rows], [float(str(row[3])) for row in rows])
        return _html.heading(self.title) + _html.table(titles, rows) + chart


def prune(model: Model, options: dict[str, Any], threads: int, progress: Progress) -> Pruning:
    with follow("pruning", progress) as report:
        return Pruning(_core.prune(model._core, options, threads, report), threads)


def pack(model: Model, out: Optional[Path], zstd: bool, encoding: str, force: bool, threads: int, progress: Progress) -> Packing:
    target = "" if out is None else os.fspath(out)
    with follow("packing", progress) as report:
        return Packing.parse(*_core.pack(model._core, target, zstd, encoding, force, threads, report))

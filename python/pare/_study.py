"""Scores, sensitivity, speed and reports."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Optional

from pare import _core, _html
from pare._progress import Progress, follow
from pare._pruning import Levels, Path, level_texts
from pare._results import frame, number

if TYPE_CHECKING:
    from pare._model import Model


@dataclass(frozen=True)
class Score:
    name: str  # for example "accuracy" or "token_perplexity"
    value: float
    standard_error: Optional[float] = None


@dataclass(frozen=True, repr=False)
class Evaluation:
    """Scores of one model on one task. evaluation["accuracy"] is the value of a score."""

    model: str
    task: str
    data: str
    sparsity: float  # a fraction: zeros among the weights that pruning would take
    scores: list[Score]
    items: int  # windows, pages, lines or rows
    tokens: int
    seconds: float
    notes: list[str]
    text: str = field(compare=False)
    markdown: str = field(compare=False)

    @classmethod
    def parse(cls, document: str, text: str, markdown: str) -> Evaluation:
        data = json.loads(document)
        row = data["results"][0]
        return cls(
            **{key: row[key] for key in ("model", "items", "tokens", "seconds", "notes")},
            task=data["task"],
            data=data["data"],
            sparsity=number(row["sparsity"]),
            scores=[Score(s["name"], number(s["value"]), s.get("standard_error")) for s in row["scores"]],
            text=text,
            markdown=markdown,
        )

    def __getitem__(self, name: str) -> float:
        for score in self.scores:
            if score.name == name:
                return score.value
        raise KeyError(f"{name!r} is not one of {', '.join(score.name for score in self.scores)}")

    def to_pandas(self) -> Any:
        return frame([{"model": self.model, "task": self.task, **asdict(score)} for score in self.scores])

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        scores = ", ".join(f"{score.name}={score.value:.6g}" for score in self.scores)
        return f"Evaluation({self.model!r}, {self.task}, {scores})"

    def _repr_html_(self) -> str:
        rows = [[score.name, score.value, score.standard_error] for score in self.scores]
        note = f"{self.task}, {self.items:,} items, {self.tokens:,} tokens"
        return _html.heading(self.model, note) + _html.table(["score", "value", "standard error"], rows)


@dataclass(frozen=True)
class SensitiveUnit:
    name: str
    stack: str
    layer: Optional[int]
    part: str
    weights: int
    damage: list[float]  # how much the score degrades at each of the levels


@dataclass(frozen=True)
class Allocation:
    """Percentages for all units that reach the target together."""

    name: str  # "uniform", "global", "additive" or "searched"
    damage: float
    percent: list[float]


@dataclass(frozen=True, repr=False)
class Sensitivity:
    """What pruning each unit alone does."""

    model: str
    task: str
    data: str
    score: str
    dense: float  # the score of the dense model
    damage_unit: str  # "nats" or "share"
    levels: list[float]
    units: list[SensitiveUnit]
    ranking: list[str]  # names of the units, those that tolerate pruning best first
    target_percent: Optional[float]
    allocations: list[Allocation]  # the best last; empty without a target
    text: str = field(compare=False)
    markdown: str = field(compare=False)
    criterion: str = "magnitude"
    refit: bool = False
    statistics: Optional[str] = None  # name of the file of statistics

    @classmethod
    def parse(cls, document: str, text: str, markdown: str) -> Sensitivity:
        data = json.loads(document)
        units = [
            SensitiveUnit(**{**unit, "damage": [number(value) for value in unit["damage"]]}) for unit in data["units"]
        ]
        return cls(
            **{key: data[key] for key in ("model", "task", "data", "score", "damage_unit", "levels", "ranking")},
            dense=number(data["dense"]),
            units=units,
            target_percent=data.get("target_percent"),
            criterion=data.get("criterion", "magnitude"),
            refit=data.get("refit", False),
            statistics=data.get("statistics"),
            allocations=[
                Allocation(entry["name"], number(entry["damage"]), entry["percent"])
                for entry in data.get("allocations", [])
            ],
            text=text,
            markdown=markdown,
        )

    def to_pandas(self) -> Any:
        """A line for each unit and level."""
        lines = []
        for unit in self.units:
            plain = {"unit": unit.name, "stack": unit.stack, "layer": unit.layer, "weights": unit.weights}
            lines += [{**plain, "level": level, "damage": damage} for level, damage in zip(self.levels, unit.damage)]
        return frame(lines)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        method = "" if self.statistics is None else f", {self.criterion}" + (" with refit" if self.refit else "")
        return f"Sensitivity({self.model!r}, {self.task}{method}, {len(self.units)} units, levels={self.levels})"

    def _repr_html_(self) -> str:
        titles = ["unit", "weights", *(f"{level:g} %" for level in self.levels)]
        rows = [[unit.name, unit.weights, *unit.damage] for unit in self.units]
        chart = _html.bars(
            f"Damage in {self.damage_unit} at {self.levels[-1]:g} %",
            [unit.name for unit in self.units],
            [unit.damage[-1] for unit in self.units],
        )
        note = self.task
        if self.statistics is not None:
            note += f", pruned by {self.criterion}" + (" and refit" if self.refit else "")
        return _html.heading(self.model, note) + _html.table(titles, rows) + chart


@dataclass(frozen=True)
class BenchLevel:
    """A level beside the dense model. Times are medians in seconds, ratios those of the dense time."""

    level: Optional[str]  # None: the model as it is
    sparsity: float  # a fraction
    prefill_dense_seconds: float
    prefill_seconds: float
    prefill_speed_up: float
    decode_dense_seconds: Optional[float]  # of a token; None if nothing was decoded
    decode_seconds: Optional[float]
    decode_speed_up: Optional[float]

    @classmethod
    def parse(cls, data: dict[str, Any]) -> BenchLevel:
        figures: dict[str, Any] = {}
        for name in ("prefill", "decode"):
            of = data.get(name)
            for key, path in (("_dense_seconds", ("dense", "seconds")), ("_seconds", ("sparse", "seconds"))):
                figures[name + key] = number(of[path[0]][path[1]]["median"]) if of else None
            figures[name + "_speed_up"] = number(of["speed_up"]["median"]) if of else None
        return cls(level=data["level"], sparsity=number(data["sparsity"]), **figures)


@dataclass(frozen=True, repr=False)
class Bench:
    """What pruning gains. `data` has every figure, as `pare bench --json` prints it."""

    model: str
    threads: int
    levels: list[BenchLevel]
    data: dict[str, Any]
    text: str = field(compare=False)
    markdown: str = field(compare=False)

    @classmethod
    def parse(cls, document: str, text: str, markdown: str) -> Bench:
        data = json.loads(document)["results"][0]
        levels = [BenchLevel.parse(level) for level in data["levels"]]
        return cls(data["model"], data["threads"], levels, data, text, markdown)

    def to_pandas(self) -> Any:
        return frame([asdict(level) for level in self.levels])

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Bench({self.model!r}, levels={[level.level for level in self.levels]}, threads={self.threads})"

    def _repr_html_(self) -> str:
        names = [f"{level.level} %" if level.level else "as it is" for level in self.levels]
        titles = ["level", "prefill (s)", "speed-up", "decode (s a token)", "speed-up"]
        rows = [
            [name, level.prefill_seconds, level.prefill_speed_up, level.decode_seconds, level.decode_speed_up]
            for name, level in zip(names, self.levels)
        ]
        chart = _html.bars("Speed-up of prefill", names, [level.prefill_speed_up for level in self.levels], " x")
        return _html.heading(self.model, f"{self.threads} threads") + _html.table(titles, rows) + chart


def report(
    models: Iterable[Model],
    out: Path,
    *,
    levels: Optional[Levels] = None,
    cutoff: float = 0.1,
    measure: str = "magnitude",
    scope: str = "global",
    schedule: str = "independent",
    pattern: str = "unstructured",
    norm: str = "l1",
    compare_patterns: Iterable[str] = (),
    compare_criteria: Iterable[str] = (),
    data: Optional[Path] = None,
    sequences: int = 128,
    length: int = 2048,
    seed: int = 0,
    evals: Optional[Mapping[str, Path]] = None,
    eval_limit: int = 0,
    bench: bool = False,
    bench_runs: int = 5,
    keep_models: bool = False,
    force: bool = False,
    threads: int = 0,
    progress: Progress = None,
) -> str:
    """Writes the whole study of the models to the directory `out`, as `pare report`; returns the path of report.md.

    `evals` are tasks with their data, for example {"perplexity": "wiki.test.raw"}. `compare_criteria`, for example
    ["magnitude", "wanda", "alps"], are put side by side; `data`, `sequences`, `length` and `seed` are the text for
    those of them that need one, as in Model.prune(). Needs gnuplot.
    """
    if measure not in ("magnitude", "signed"):
        raise ValueError(f"measure: {measure!r} is not one of magnitude, signed")
    criteria = list(compare_criteria)
    if len(set(criteria)) != len(criteria):
        raise ValueError("compare_criteria: a criterion is given twice")
    calibrated = [name for name in criteria if name in ("wanda", "sparsegpt", "alps")]
    if bool(calibrated) != (data is not None):
        cause = f"{calibrated[0]} needs a text to calibrate on" if calibrated else "no criterion is calibrated on a text"
        raise ValueError(f"data: {cause}")
    options: dict[str, Any] = {
        "levels": level_texts(levels),
        "cutoff": cutoff,
        "signed": measure == "signed",
        "scope": scope,
        "schedule": schedule,
        "pattern": pattern,
        "norm": norm,
        "compared_patterns": list(compare_patterns),
        "compared_criteria": criteria,
        "data": os.fspath(data or ""),
        "sequences": sequences,
        "length": length,
        "seed": seed,
        "evals": [
            {"task": task, "data": os.fspath(data), "limit": eval_limit} for task, data in dict(evals or {}).items()
        ],
        "keep_models": keep_models,
        "force": force,
    }
    if bench:
        options["bench"] = {"runs": bench_runs}
    with follow("report", progress) as report_to:
        return _core.report([model._core for model in models], os.fspath(out), options, threads, report_to)

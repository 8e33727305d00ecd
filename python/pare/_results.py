"""Results as dataclasses. Names are those of the command line's CSV and JSON."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, Literal, Optional

from pare import _html

Rows = Literal["tensors", "groups", "layers", "overall"]


def number(value: Optional[float]) -> float:
    """JSON has null for what is not a number."""
    return float("nan") if value is None else value


def frame(rows: list[dict[str, Any]]) -> Any:
    """A pandas.DataFrame. Raises ImportError if pandas is not installed."""
    import pandas

    return pandas.DataFrame(rows)


@dataclass(frozen=True)
class Row:
    """Figures of a tensor, of a group, of a layer, or of everything."""

    name: str
    parameters: int
    share_percent: float  # above the cutoff, in the measure that was asked for
    share_magnitude_percent: float  # |w| > cutoff
    share_signed_percent: float  # w < 0 or w >= cutoff
    dtype: str  # "mixed" if there are several
    tensors: int
    zeros: int
    nan: int
    inf: int
    min: float
    max: float
    mean: float
    std: float
    above: dict[float, int]  # number of parameters above each of the tails
    quantiles: dict[float, float]  # of |w|
    group: Optional[str] = None
    stack: Optional[str] = None
    layer: Optional[int] = None

    @classmethod
    def parse(cls, data: dict[str, Any]) -> Row:
        values: dict[str, Any] = {key: data.get(key) for key in ("group", "stack", "layer")}
        for key in ("name", "parameters", "dtype", "zeros", "nan", "inf"):
            values[key] = data[key]
        for key in ("share_percent", "share_magnitude_percent", "share_signed_percent", "min", "max", "mean", "std"):
            values[key] = number(data[key])
        return cls(
            tensors=data.get("tensors", 1),
            above={entry["cutoff"]: entry["count"] for entry in data["above"]},
            quantiles={entry["p"]: number(entry["magnitude"]) for entry in data.get("quantiles", [])},
            **values,
        )

    def flat(self) -> dict[str, Any]:
        """One value per column: above_C for each tail, qP for each quantile."""
        row = dataclasses.asdict(self)
        for cutoff, count in row.pop("above").items():
            row[f"above_{cutoff:g}"] = count
        for p, value in row.pop("quantiles").items():
            row[f"q{p:g}"] = value
        return row


@dataclass(frozen=True)
class Spread:
    """How the share varies between the layers of one group."""

    stack: str
    group: str
    cross_attention: bool
    layers: list[int]
    share_percent: list[float]
    min: float
    max: float
    mean: float
    std: float
    outlying_layers: list[int]


@dataclass(frozen=True)
class LargeParameter:
    tensor: str
    position: tuple[int, ...]
    value: float


@dataclass(frozen=True)
class LeftOut:
    name: str
    reason: str


@dataclass(frozen=True, repr=False)
class Inspection:
    """Where the big parameters of a model are. str() gives the command line's tables."""

    title: str
    source: str
    architecture: str
    model_type: str
    cutoff: float
    measure: str  # "magnitude" or "signed"
    overall: Row
    groups: list[Row]
    layers: list[Row]
    tensors: list[Row]
    spreads: list[Spread]
    largest: list[LargeParameter]
    left_out: list[LeftOut]
    notes: list[str]
    text: str = field(compare=False)
    markdown: str = field(compare=False)

    @classmethod
    def parse(cls, document: str, text: str, markdown: str) -> Inspection:
        data = json.loads(document)
        model = data["models"][0]
        spreads = [
            Spread(**{f.name: entry.get(f.name, "") for f in dataclasses.fields(Spread)})
            for entry in model["layer_spreads"]
        ]
        largest = [
            LargeParameter(entry["tensor"], tuple(entry["position"]), number(entry["value"]))
            for entry in model["largest"]
        ]
        return cls(
            **{key: model[key] for key in ("title", "source", "architecture", "model_type", "notes")},
            cutoff=data["cutoff"],
            measure=data["measure"],
            overall=Row.parse(model["overall"]),
            groups=[Row.parse(row) for row in model["groups"]],
            layers=[Row.parse(row) for row in model["layers"]],
            tensors=[Row.parse(row) for row in model["tensors"]],
            spreads=spreads,
            largest=largest,
            left_out=[LeftOut(entry["name"], entry["reason"]) for entry in model["left_out"]],
            text=text,
            markdown=markdown,
        )

    def rows(self, rows: Rows = "tensors") -> list[Row]:
        if rows not in ("tensors", "groups", "layers", "overall"):
            raise ValueError(f"rows: {rows!r} is not one of tensors, groups, layers, overall")
        found: list[Row] = [self.overall] if rows == "overall" else getattr(self, rows)
        return found

    def to_pandas(self, rows: Rows = "tensors") -> Any:
        """A pandas.DataFrame with a line for each row, in full precision."""
        return frame([row.flat() for row in self.rows(rows)])

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return (
            f"Inspection({self.title!r}, parameters={self.overall.parameters}, "
            f"share_percent={self.overall.share_percent:.2f}, cutoff={self.cutoff:g})"
        )

    def _repr_html_(self) -> str:
        above = f"|w| > {self.cutoff:g}" if self.measure == "magnitude" else f"outside [0, {self.cutoff:g})"
        titles = ["", "parameters", above + " (%)", "zeros", "std", "min", "max"]
        rows = [
            [row.name, row.parameters, round(row.share_percent, 2), row.zeros, row.std, row.min, row.max]
            for row in [*self.groups, self.overall]
        ]
        of_layers = self.layers or self.groups
        chart = _html.bars(
            f"Parameters with {above}",
            [f"{row.stack} {row.name}".strip() if row.stack else row.name for row in of_layers],
            [round(row.share_percent, 2) for row in of_layers],
            " %",
        )
        return _html.heading(self.title, self.architecture) + _html.table(titles, rows) + chart

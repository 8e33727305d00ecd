"""Tables and small charts for notebooks, as HTML and SVG without scripts or anything from a network."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence

_CELL = "padding:2px 10px;text-align:"
_BAR, _GAP, _LABELS, _WIDTH, _VALUES = 16, 4, 130, 320, 70


def text(value: object) -> str:
    """A value as a reader wants it: counts with separators, four digits of other numbers."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else f"{value:.4g}"
    return str(value)


def table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    def cells(tag: str, values: Sequence[object]) -> str:
        one = []
        for value in values:
            side = "left" if isinstance(value, str) and tag == "td" else "right"
            one.append(f'<{tag} style="{_CELL}{side}">{html.escape(text(value))}</{tag}>')
        return "<tr>" + "".join(one) + "</tr>"

    body = "".join(cells("td", row) for row in rows)
    return f"<table><thead>{cells('th', titles)}</thead><tbody>{body}</tbody></table>"


def bars(title: str, labels: Sequence[str], values: Sequence[float], unit: str = "") -> str:
    """Horizontal bars from 0 to the largest value; nothing for no values."""
    finite = [value if math.isfinite(value) else 0.0 for value in values]
    if not finite:
        return ""
    most = max(max(finite), 1e-300)
    height = len(finite) * (_BAR + _GAP)
    parts = []
    for i, (label, value) in enumerate(zip(labels, finite)):
        y = i * (_BAR + _GAP)
        width = max(0.0, value) / most * _WIDTH
        shown = html.escape(label if len(label) <= 18 else label[:8] + "…" + label[-9:])
        parts.append(
            f'<g><title>{html.escape(label)}: {text(values[i])}{html.escape(unit)}</title>'
            f'<text x="{_LABELS - 6}" y="{y + 12}" text-anchor="end">{shown}</text>'
            f'<rect x="{_LABELS}" y="{y}" width="{width:.1f}" height="{_BAR}" fill="#3b76af"/>'
            f'<text x="{_LABELS + width + 5:.1f}" y="{y + 12}">{text(values[i])}{html.escape(unit)}</text></g>'
        )
    return (
        f'<figure style="margin:8px 0"><figcaption>{html.escape(title)}</figcaption>'
        f'<svg width="{_LABELS + _WIDTH + _VALUES}" height="{height}" role="img" aria-label="{html.escape(title)}" '
        f'font-size="12" fill="currentColor" font-family="sans-serif">{"".join(parts)}</svg></figure>'
    )


def heading(title: str, note: str = "") -> str:
    after = f" <span>{html.escape(note)}</span>" if note else ""
    return f"<p><strong>{html.escape(title)}</strong>{after}</p>"

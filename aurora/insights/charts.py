"""The report's charts, drawn as vectors: bars with their intervals. A chart repeats figures that a table tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from reportlab.graphics.shapes import Drawing, Line, Rect, String  # type: ignore[import-untyped]
from reportlab.lib.colors import HexColor  # type: ignore[import-untyped]

from aurora.filings.letters import line
from aurora.insights.figures import amount
from contracts.messages.insights import Figure

INK: Final = HexColor("#1f2937")
FAINT: Final = HexColor("#9ca3af")
TEAL: Final = HexColor("#17a394")
WIDTH: Final = 500
_LABEL: Final = 170
_VALUE: Final = 88
_ROW: Final = 17
_FONT: Final = "Helvetica"


def bars(lines: Sequence[tuple[str, Figure]]) -> Any:
    """Horizontal bars from 0, each with its interval as a thin line and its value as text."""
    told = [(label, figure) for label, figure in lines if figure.value is not None]
    most = max((max(figure.value or 0.0, figure.high or 0.0) for _, figure in told), default=0.0) or 1.0
    return _drawn(told, low=0.0, high=most, is_bar=True)


def forest(lines: Sequence[tuple[str, Figure]]) -> Any:
    """Values between -1 and 1 as points with intervals beside a line at 0."""
    told = [(label, figure) for label, figure in lines if figure.value is not None]
    most = (
        max(
            (max(abs(figure.low or 0.0), abs(figure.high or 0.0), abs(figure.value or 0.0)) for _, figure in told),
            default=0.0,
        )
        or 1.0
    )
    return _drawn(told, low=-most, high=most, is_bar=False)


def _drawn(lines: Sequence[tuple[str, Figure]], *, low: float, high: float, is_bar: bool) -> Any:
    height = _ROW * len(lines) + 6
    drawing = Drawing(WIDTH, height)
    span = WIDTH - _LABEL - _VALUE

    def x_of(value: float) -> float:
        return _LABEL + span * (min(max(value, low), high) - low) / (high - low)

    drawing.add(Line(x_of(0.0), 2, x_of(0.0), height - 2, strokeColor=FAINT, strokeWidth=0.6))
    for place, (label, figure) in enumerate(lines):
        text, font = line(shortened(label), _FONT)
        middle = height - 3 - _ROW * place - _ROW / 2
        value = figure.value or 0.0
        drawing.add(String(_LABEL - 6, middle - 3, text, fontName=font, fontSize=8, textAnchor="end", fillColor=INK))
        if is_bar:
            drawing.add(
                Rect(x_of(0.0), middle - 4.5, max(0.5, x_of(value) - x_of(0.0)), 9, fillColor=TEAL, strokeColor=None)
            )
        else:
            drawing.add(Rect(x_of(value) - 2.5, middle - 2.5, 5, 5, fillColor=TEAL, strokeColor=None))
        if figure.low is not None and figure.high is not None:
            drawing.add(Line(x_of(figure.low), middle, x_of(figure.high), middle, strokeColor=INK, strokeWidth=0.9))
        drawing.add(
            String(
                WIDTH,
                middle - 3,
                amount(value, figure.unit),
                fontName=_FONT,
                fontSize=8,
                textAnchor="end",
                fillColor=INK,
            )
        )
    return drawing


def shortened(label: str, most: int = 34) -> str:
    """A label that fits beside a bar."""
    return label if len(label) <= most else label[: most - 3] + "..."

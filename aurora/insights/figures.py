"""Figures as the report tells them: rounded so that one snapshot gives one hash, money in dirhams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aurora.insights.intervals import Estimate
from contracts.messages.insights import Basis, Breakdown, BreakdownLine, Figure

AED_PER_USD: Final = 3.6725
"""The Central Bank of the UAE has held the dirham at this rate to the dollar since 1997."""
_DIGITS: Final = 8
"""Sums of floats differ in the sixteenth digit from run to run; what is told and hashed does not."""


def rounded(value: float | None) -> float | None:
    """The value with as many digits as are told."""
    return None if value is None else float(f"{value:.{_DIGITS}g}")


@dataclass(frozen=True, slots=True)
class FigureMaker:
    """Makes figures of one snapshot."""

    snapshot: int

    def of(
        self,
        name: str,
        label: str,
        estimate: Estimate | None,
        unit: str,
        *,
        how: str,
        source: str,
        basis: Basis = "measured",
        missing: str = "nothing was recorded",
        times: float = 1.0,
    ) -> Figure:
        """A figure of an estimate, times a factor of its unit; `missing` says why, where there is none."""
        if estimate is None:
            return self._made(name, label, None, unit, None, None, None, basis, how, source, missing)
        ends = [None if end is None else end * times for end in (estimate.value, estimate.low, estimate.high)]
        return self._made(name, label, ends[0], unit, ends[1], ends[2], estimate.n, basis, how, source, None)

    def exact(
        self,
        name: str,
        label: str,
        value: float | None,
        unit: str,
        *,
        how: str,
        source: str,
        n: int | None = None,
        basis: Basis = "measured",
        missing: str = "nothing was recorded",
    ) -> Figure:
        """A count, or an input: it has no interval."""
        reason = missing if value is None else None
        return self._made(name, label, value, unit, None, None, n, basis, how, source, reason)

    def _made(
        self, name: str, label: str, value: float | None, unit: str, low: float | None, high: float | None,
        n: int | None, basis: Basis, how: str, source: str, missing: str | None,
    ) -> Figure:  # fmt: skip
        return Figure(
            name=name,
            label=label,
            value=rounded(value),
            unit=unit,
            low=rounded(low),
            high=rounded(high),
            n=n,
            basis=basis,
            how=how,
            source=source,
            snapshot=self.snapshot,
            missing=missing,
        )


def breakdown(name: str, title: str, by: str, lines: Sequence[tuple[str, Sequence[Figure]]]) -> Breakdown:
    """Figures by something, in the order given."""
    return Breakdown(
        name=name, title=title, by=by, lines=[BreakdownLine(label=label, figures=list(row)) for label, row in lines]
    )


def notes_of(part: Breakdown) -> list[str]:
    """Where each line's first figure comes from, where that differs from line to line; else nothing."""
    notes = [line.figures[0].how for line in part.lines]
    return notes if len(set(notes)) > 1 else []


def told(figure: Figure) -> str:
    """A figure in words: `AED 12,300 (10,100 to 14,500), n = 42`, or why there is none."""
    if figure.value is None:
        return figure.missing or "none"
    text = amount(figure.value, figure.unit)
    if figure.low is not None and figure.high is not None:
        text += f" ({amount(figure.low, figure.unit)} to {amount(figure.high, figure.unit)})"
    return text if figure.n is None else f"{text}, n = {figure.n:,}"


def amount(value: float, unit: str) -> str:
    """A value with its unit: `AED 1,230`, `12.3 %`, `3 sales`."""
    match unit:
        case "share":
            return f"{value * 100:.1f} %"
        case "AED" | "USD":
            return f"{unit} {number(value)}"
        case "correlation":
            return f"{value:.2f}".replace("-0.00", "0.00")
        case "times":
            return f"{value:,.2f} times"
        case _:
            return f"{number(value)} {unit}"


def number(value: float) -> str:
    """As many digits as matter: 1,235 / 234.56 / 0.0123."""
    size = abs(value)
    if size >= 1000 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:,.2f}" if size >= 1 else f"{value:.3g}"

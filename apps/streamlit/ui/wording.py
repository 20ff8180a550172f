"""How the pages say a figure: money, counts, shares, durations, times. Nothing here reads data.

Money is kept in USD and shown in dirhams first. Times are kept in UTC and shown in Gulf Standard Time.
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

AED_PER_USD = 3.6725
"""The Central Bank of the UAE has held the dirham at this rate to the dollar since 1997."""

GULF = ZoneInfo("Asia/Dubai")
NOTHING = "–"
"""Shown where there is no value; never 0, which would be one."""
_BEYOND_COMPARE = 50
"""A period this many times the one before does not grow: the one before had hardly begun."""


def money(amount: float) -> str:
    """An amount with as many digits as matter: 1,235 / 234.56 / 0.0123."""
    size = abs(amount)
    if size >= 1_000:
        return f"{amount:,.0f}"
    if size >= 1 or size == 0:
        return f"{amount:,.2f}"
    return f"{amount:,.4f}" if size >= 0.0001 else f"{amount:.2g}"


def aed(usd: float | None) -> str:
    """`AED 367.25` of an amount in USD."""
    return NOTHING if usd is None else f"AED {money(usd * AED_PER_USD)}"


def usd(amount: float | None) -> str:
    """`USD 100.00`."""
    return NOTHING if amount is None else f"USD {money(amount)}"


def about_aed(usd: float) -> str:
    """An estimate with two digits, for more would pretend to be measured: `AED 540`."""
    amount = usd * AED_PER_USD
    digits = max(0, len(f"{abs(amount):.0f}") - 2)
    return f"AED {money(amount) if abs(amount) < 10 else f'{round(amount, -digits):,.0f}'}"


def both(amount: float | None) -> str:
    """`AED 367.25 (USD 100.00)` of an amount in USD."""
    return NOTHING if amount is None else f"{aed(amount)} ({usd(amount)})"


def count(value: float | None) -> str:
    """`1,234`."""
    return NOTHING if value is None else f"{value:,.0f}"


def share(value: float | None) -> str:
    """A share of 1 in percent: `4.2 %`."""
    if value is None:
        return NOTHING
    percent = value * 100
    if 99.5 <= percent < 100:
        return "over 99 %"  # all but everything is not everything
    return f"{percent:.0f} %" if percent in (0, 100) or abs(percent) >= 10 else f"{percent:.1f} %"


def duration(value_ms: float | None) -> str:
    """Milliseconds, or seconds from ten seconds on."""
    if value_ms is None:
        return NOTHING
    return f"{value_ms / 1000:,.1f} s" if value_ms >= 10_000 else f"{value_ms:,.0f} ms"


def change(new: float | None, old: float | None) -> float | None:
    """Relative change as a share; null when there is nothing to compare with, or next to nothing."""
    if new is None or not old or new > old * _BEYOND_COMPARE:
        return None
    return new / old - 1


def change_text(relative: float | None) -> str | None:
    """`+8 %`, `-3 %`, `x 4.2` when it more than triples; null when there is nothing to compare with."""
    if relative is None:
        return None
    return f"+{relative + 1:,.1f} times" if relative >= 2 else f"{relative * 100:+.0f} %"


def gulf_time(moment: dt.datetime | None) -> str:
    """`21 Nov 2026, 07:12 GST`."""
    return NOTHING if moment is None else f"{moment.astimezone(GULF):%-d %b %Y, %H:%M} GST"


def day(date: dt.date | None) -> str:
    """`21 Nov 2026`."""
    return NOTHING if date is None else f"{date:%-d %b %Y}"


def plural(number: float, one: str, many: str | None = None) -> str:
    """`1 batch`, `1,234 batches`."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def code_words(code: str | None) -> str:
    """An identifier as words: `route_llm` -> `route llm`."""
    return NOTHING if code is None else code.replace("_", " ")


def measured(value: float | None, unit: str | None) -> str:
    """A KPI's value in its unit: shares in percent, dollars also in dirhams."""
    match unit:
        case _ if value is None:
            return NOTHING
        case "share":
            return share(value)
        case "USD":
            return both(value)
        case "ms":
            return duration(value)
        case _:
            return f"{value:,.4g} {unit or ''}".strip()


def precise(value: float | None, unit: str | None) -> str:
    """A value beside its target: shares in percent, near 1 with four digits, for 99.5 % and 99.95 % are two things."""
    if value is None or unit != "share":
        return figure(value, unit)
    return f"{value * 100:.4g} %" if value > 0.9 else f"{value * 100:.3g} %"


def figure(value: float | None, unit: str | None) -> str:
    """A KPI's value where there is room for one amount only: dollars in dirhams."""
    return aed(value) if unit == "USD" else measured(value, unit)


def interval(low: float | None, high: float | None, unit: str | None) -> str:
    """`15.8 % to 17.4 %`."""
    if low is None or high is None:
        return NOTHING
    if unit == "USD":
        return f"{aed(low)} to {aed(high)}"
    return f"{measured(low, unit)} to {measured(high, unit)}"


def age(moment: dt.datetime, now: dt.datetime) -> str:
    """How long ago: `just now`, `12 minutes ago`, `3 hours ago`, `2 days ago`."""
    minutes = int((now - moment).total_seconds() // 60)
    if minutes < 1:
        return "just now"
    if minutes < 120:
        return f"{plural(minutes, 'minute')} ago"
    return f"{plural(minutes // 60, 'hour')} ago" if minutes < 48 * 60 else f"{plural(minutes // 1440, 'day')} ago"


def plain(text: str) -> str:
    """Text from outside with Markdown's signs made harmless: what others wrote must not draw on our page."""
    return "".join("\\" + sign if sign in "\\`*_{}[]()<>#+-.!|$~:" else sign for sign in text)

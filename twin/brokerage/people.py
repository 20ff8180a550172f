"""The people and companies around the brokerage, as they truly are: one row each, numbered from 0.

How a system writes them down is `twin.brokerage.parties`'s matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from aurora.ingest.sample_names import FIRST, LAST
from twin.brokerage.draws import DAY, HOUR, MINUTE, Flags, Floats, Ints, choose, dates, digits, said
from twin.cases.parameters import GCC, HIGH_RISK_COUNTRIES

_COUNTRIES: Final = {
    "AE": 0.16, "IN": 0.21, "PK": 0.09, "GB": 0.1, "RU": 0.08, "EG": 0.07, "CN": 0.07, "LB": 0.04, "SA": 0.06, "KW": 0.02,
    "FR": 0.03, "DE": 0.03, "US": 0.02, "JO": 0.02,
}  # fmt: skip
_HOMONYM_SHARE: Final = 0.05
_RELATIVE_SHARE: Final = 0.05
"""Of the people: same name as somebody else and nothing else in common; same last name and same telephone."""
_HIGH_RISK_SHARE: Final = 0.002
_TRADES: Final = ("Holding", "Investments", "Trading", "Real Estate", "Capital", "Ventures")
_FORMS: Final = ("LLC", "FZE", "Ltd", "FZ-LLC")


@dataclass(frozen=True, slots=True)
class People:
    """One row a person: `rows` has their facts, the arrays are what other parts reckon with."""

    rows: pl.DataFrame
    is_gcc: Flags
    is_company: Flags

    @property
    def count(self) -> int:
        """How many there are."""
        return self.rows.height


def people(draw: np.random.Generator, count: int, *, since: Ints, company_share: Floats, end: int) -> People:
    """`count` people. `since` is when each came to be known, `company_share` how likely each is a company."""
    first, last = draw.integers(0, len(FIRST), count), draw.integers(0, len(LAST), count)
    middle = np.where(draw.random(count) < 0.45, draw.integers(0, len(FIRST), count), -1)
    number = np.arange(count)
    other = (draw.random(count) * number).astype(np.int64)
    fate = draw.random(count)
    is_homonym = (fate < _HOMONYM_SHARE) & (number > 0)
    is_relative = (fate >= _HOMONYM_SHARE) & (fate < _HOMONYM_SHARE + _RELATIVE_SHARE) & (number > 0)
    is_company = ~is_homonym & ~is_relative & (draw.random(count) < company_share)
    for mine in (first, middle):
        mine[is_homonym] = mine[other[is_homonym]]
    last[is_homonym | is_relative] = last[other[is_homonym | is_relative]]
    phone = "5" + choose(draw, "0245689", count) + digits(draw, count, 7)
    phone = phone.gather(np.where(is_relative, other, number))
    country = choose(draw, list(_COUNTRIES), count, list(_COUNTRIES.values()))
    is_risky = draw.random(count) < _HIGH_RISK_SHARE
    country = country.zip_with(pl.Series(~is_risky), choose(draw, HIGH_RISK_COUNTRIES, count))
    country = country.gather(np.where(is_homonym, other, number))
    born = ((draw.integers(20, 76, count) * 365.25 * -1 + 56 * 365.25) * DAY).astype(np.int64)
    rows = pl.DataFrame(
        {
            "person": number,
            "party_kind": pl.Series(np.where(is_company, "legal", "natural")),
            "first": first,
            "middle": middle,
            "last": last,
            "company": _companies(draw, last),
            "country": country,
            "birth_date": dates(born + draw.integers(0, 365, count) * DAY),
            "passport_no": choose(draw, "ABCEGHKLMNPRSTVXYZ", count) + digits(draw, count, 7),
            "phone": phone,
            "iban": _ibans(draw, count),
        }
    ).with_columns(
        pl.format("{}.{}{}@example.com", _letter("first", FIRST), _letter("last", LAST), "person").alias("email"),
        (pl.col("birth_date").dt.year()).alias("year"),
    )
    rows = rows.with_columns(_emirates_ids(draw, rows["year"]))
    rows = rows.with_columns(_marks(draw, rows, since=since, end=end))
    return People(rows=rows, is_gcc=rows["country"].is_in(GCC).to_numpy(), is_company=is_company)


def _companies(draw: np.random.Generator, last: Ints) -> pl.Series:
    count = len(last)
    family = pl.Series([words[0][0] for words in LAST]).gather(last)
    return family + " " + choose(draw, _TRADES, count) + " " + choose(draw, _FORMS, count)


def _letter(column: str, words: tuple[tuple[tuple[str, ...], str], ...]) -> pl.Expr:
    letters = {number: word[0][0][0].lower() for number, word in enumerate(words)}
    return pl.col(column).replace_strict(letters, return_dtype=pl.String)


def _ibans(draw: np.random.Generator, count: int) -> pl.Series:
    """IBANs of the Emirates with their check digits (mod 97)."""
    bank, account = draw.choice((33, 26, 20, 44), count), draw.integers(0, 10**16, count)
    rest = bank % 97
    for part, width in ((account // 10**8, 8), (account % 10**8, 8), (np.full(count, 101400), 6)):
        rest = (rest * pow(10, width, 97) + part) % 97
    check = pl.Series(98 - rest).cast(pl.String).str.zfill(2)
    text = pl.Series(bank).cast(pl.String).str.zfill(3) + pl.Series(account).cast(pl.String).str.zfill(16)
    return "AE" + check + text


def _emirates_ids(draw: np.random.Generator, year: pl.Series) -> pl.Series:
    count = len(year)
    born, serial = year.to_numpy().astype(np.int64), draw.integers(0, 10**7, count)
    number = 784 * 10**11 + born * 10**7 + serial
    total = np.zeros(count, dtype=np.int64)
    for place in range(14):
        digit = number // 10**place % 10 * (2 if place % 2 == 0 else 1)
        total += np.where(digit > 9, digit - 9, digit)
    check = (10 - total % 10) % 10
    text = [pl.Series(part).cast(pl.String) for part in (born, serial, check)]
    return ("784-" + text[0] + "-" + text[1].str.zfill(7) + "-" + text[2]).alias("emirates_id")


def _marks(draw: np.random.Generator, rows: pl.DataFrame, *, since: Ints, end: int) -> list[pl.Series]:
    """What compliance says of each; it is sent to every system each night."""
    count = rows.height
    is_pep = draw.random(count) < 0.004
    needs_edd = is_pep | rows["country"].is_in(HIGH_RISK_COUNTRIES).to_numpy()
    rated = np.minimum(since + draw.integers(5, 600, count) * MINUTE, end - HOUR)
    coverage: Floats = np.round(draw.uniform(0.8, 1.0, count), 2)
    company = (rows["party_kind"] == "legal").to_numpy()
    risk = choose(draw, ("low", "medium", "high"), count, (0.72, 0.22, 0.06))
    return [
        pl.Series("is_pep", is_pep),
        risk.zip_with(pl.Series(~needs_edd), pl.Series(["high"] * count)).alias("risk_rating"),
        pl.Series("risk_rated_us", rated),
        said("complete", needs_edd).alias("edd_status"),
        said("person-0002", is_pep).alias("senior_approval_by"),
        pl.Series("ubo_identified_count", draw.integers(1, 4, count)).set(pl.Series(~company), None),
        pl.Series("ubo_coverage_share", coverage).set(pl.Series(~company), None),
        pl.Series("is_marketing_opt_out", draw.random(count) < 0.08),
        pl.Series("has_objected", draw.random(count) < 0.015),
        pl.Series("id_expiry_us", end + draw.integers(-200, 3000, count) * DAY),
        pl.Series("since_us", since),
    ]

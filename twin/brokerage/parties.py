"""How each system writes down the people it knows: under ids of its own, each a little differently.

Sales hears names as they are said, finance copies papers, inventory has owners with one way to reach them. What
compliance says of a party (screening, risk, due diligence, objections) is sent to every system each night.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from aurora.ingest.sample_names import FIRST, LAST, Spellings
from twin.brokerage.draws import HOUR, Ints, choose, digits, moments, named
from twin.brokerage.people import People

PREFIXES: Final = {
    "twin_clara": "CP-",
    "twin_mary": "MP-",
    "twin_theodora": "TP-",
    "twin_laila": "LP-",
    "twin_leasing": "RP-",
    "twin_hr": "HP-",
}
_PHONE_FORMS: Final = ("+971 {} {} {}", "0{}{}{}", "00971{}{}{}", "+971{}{}{}", "0{} {} {}")
_KNOWS: Final = {
    # share of the records that hold each fact
    "twin_clara": {"full_name_ar": 0.06, "country": 1.0, "birth_date": 0.3, "phone": 0.93, "email": 0.7, "emirates_id": 0.2},
    "twin_mary": {"country": 1.0, "phone": 0.8, "email": 0.5},
    "twin_theodora": {"full_name_ar": 0.5, "country": 1.0, "birth_date": 0.9, "emirates_id": 0.85, "passport_no": 0.6, "phone": 0.8, "email": 0.4, "iban": 0.75},
    "twin_laila": {"full_name_ar": 0.6, "country": 1.0, "birth_date": 1.0, "emirates_id": 0.95, "passport_no": 0.8, "phone": 0.85, "email": 0.6},
    "twin_leasing": {"country": 1.0, "birth_date": 0.5, "emirates_id": 0.8, "phone": 0.95, "email": 0.6},
    "twin_hr": {"country": 1.0, "birth_date": 1.0, "emirates_id": 1.0, "phone": 1.0, "email": 1.0},
}  # fmt: skip
_NATURAL_ONLY: Final = ("birth_date", "emirates_id", "passport_no", "full_name_ar")
_FORMAL: Final = frozenset({"twin_theodora", "twin_laila", "twin_hr"})
MARKS: Final = (
    "is_pep",
    "risk_rating",
    "edd_status",
    "senior_approval_by",
    "ubo_identified_count",
    "ubo_coverage_share",
    "is_marketing_opt_out",
    "has_objected",
)


def party_ids(source: str, people: People, known: Ints) -> pl.Series:
    """Id of each person at a system that knows `known`, by person; null for strangers."""
    numbers = np.full(people.count, -1, dtype=np.int64)
    numbers[known] = np.arange(1, len(known) + 1)
    return named(PREFIXES[source], numbers)


def parties(
    draw: np.random.Generator, source: str, people: People, known: Ints, *, last_list_at: int, end: int
) -> pl.DataFrame:
    """One row for each of `known`, in its order. `last_list_at` is when a sanctions list last changed."""
    rows, count = people.rows[known], len(known)
    holds = _KNOWS[source]
    natural = rows["party_kind"] == "natural"
    facts = {
        "party_id": named(PREFIXES[source], np.arange(1, count + 1)),
        "person": rows["person"],
        "party_kind": rows["party_kind"],
        "full_name": _names(draw, rows, is_formal=source in _FORMAL),
        "full_name_ar": _arabic(rows),
        "phone": _phones(draw, rows["phone"], is_stale=draw.random(count) < 0.06),
        "email": rows["email"].zip_with(pl.Series(draw.random(count) < 0.92), rows["email"].str.to_uppercase()),
        **{name: rows[name] for name in ("country", "birth_date", "emirates_id", "passport_no", "iban")},
    }
    for name in ("full_name_ar", "country", "birth_date", "emirates_id", "passport_no", "phone", "email", "iban"):
        kept = pl.Series(draw.random(count) < holds.get(name, 0.0))
        facts[name] = facts[name].set(~(kept & natural if name in _NATURAL_ONLY else kept), None)
    screened = np.maximum(last_list_at + draw.integers(HOUR // 2, 20 * HOUR, count), rows["since_us"].to_numpy())
    screened = np.minimum(np.maximum(screened, end - draw.integers(0, 40 * 24, count) * HOUR), end - HOUR // 6)
    screened = np.maximum(screened, rows["since_us"].to_numpy() + 1)
    return pl.DataFrame(facts).with_columns(
        *(rows[name] for name in MARKS),
        rows["id_expiry_us"],
        moments(rows["risk_rated_us"].to_numpy()).alias("risk_rated_at"),
        moments(np.minimum(screened, end - 1)).alias("last_screened_at"),
        moments(np.minimum(screened + draw.integers(0, HOUR // 12, count), end - 1)).alias("updated_at"),
    )


def _names(draw: np.random.Generator, rows: pl.DataFrame, *, is_formal: bool) -> pl.Series:
    count = rows.height
    shown = draw.random(count) < (1.0 if is_formal else 0.3)
    share = 0.4 if is_formal else 1.0
    first = _spelled(draw, FIRST, rows["first"].to_numpy(), share)
    middle = _spelled(draw, FIRST, rows["middle"].to_numpy(), share)
    last = _spelled(draw, LAST, rows["last"].to_numpy(), share)
    has_middle = pl.Series(shown) & (rows["middle"] >= 0)
    written = (first + " " + middle + " " + last).zip_with(has_middle, first + " " + last)
    written = written.str.to_uppercase().zip_with(pl.Series(draw.random(count) < 0.07), written)
    return rows["company"].zip_with(rows["party_kind"] == "legal", written)


def _spelled(draw: np.random.Generator, words: tuple[Spellings, ...], picks: Ints, share: float) -> pl.Series:
    """Each word in one of its spellings; `share` of them may differ from the formal one."""
    flat = pl.Series([spelling for word in words for spelling in word[0]])
    sizes = np.array([len(word[0]) for word in words])
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    picks = np.maximum(picks, 0)
    varied = (draw.random(len(picks)) * sizes[picks]).astype(np.int64)
    return flat.gather(starts[picks] + np.where(draw.random(len(picks)) < share, varied, 0))


def _arabic(rows: pl.DataFrame) -> pl.Series:
    first, last = (pl.Series([word[1] for word in words]) for words in (FIRST, LAST))
    return first.gather(rows["first"]) + " " + last.gather(rows["last"])


def _phones(
    draw: np.random.Generator, phone: pl.Series, *, is_stale: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> pl.Series:
    count = len(phone)
    old = "5" + choose(draw, "0568", count) + digits(draw, count, 7)
    number = old.zip_with(pl.Series(is_stale), phone).alias("number")
    parts = [pl.col("number").str.slice(0, 2), pl.col("number").str.slice(2, 3), pl.col("number").str.slice(5)]
    form = pl.Series("form", draw.integers(0, len(_PHONE_FORMS), count))
    written = pl.lit(None, dtype=pl.String)
    for place, text in enumerate(_PHONE_FORMS):
        written = pl.when(pl.col("form") == place).then(pl.format(text, *parts)).otherwise(written)
    return pl.DataFrame([number, form]).select(written).to_series()

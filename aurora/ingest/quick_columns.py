"""Columns of text out of lists of plain values, set-wise; records that are not plain are named, not judged.

Formats decode plain records into typed structs and build their columns here. Whatever a record holds that this
cannot write down exactly as `aurora.ingest.foreign` would, makes it odd: the format then reads it with care.
So both ways give the same rows, and the common one costs a tenth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import polars as pl

from aurora.ingest import foreign
from aurora.ingest.foreign import Values
from aurora.ingest.portions import RAW, ROW, raw_texts
from contracts import registry

_RFC_3339: Final = "%Y-%m-%dT%H:%M:%S%.6f+00:00"
_MAX_MS: Final = 2.0**52


class QuickColumns:
    """The columns of some records of one contract, and which of the records are odd."""

    def __init__(self, height: int) -> None:
        self._height = height
        self.columns: dict[str, pl.Series] = {}
        self.odd = pl.repeat(value=False, n=height, eager=True)

    def mark(self, odd: pl.Series) -> None:
        """Records where `odd` is true are to be read with care; null is not odd."""
        if odd.any():
            self.odd = self.odd | odd.fill_null(value=False)

    def text(self, name: str, values: Sequence[Any]) -> pl.Series:
        """Texts as they are; an empty one is none."""
        try:
            column = pl.Series(name, values, dtype=pl.String, strict=True)
        except TypeError:
            self.mark(pl.Series([value is not None and not isinstance(value, str) for value in values]))
            column = pl.Series(name, [value if isinstance(value, str) else None for value in values], dtype=pl.String)
        return self.put(name, _none_where(column, column == "") if "" in values else column)

    def mapped(self, name: str, values: Sequence[str | None], change: Callable[[str | None], str | None]) -> pl.Series:
        """Texts changed by a rule that looks at each distinct one once."""
        changed = {value: change(value) for value in set(values)}
        return self.put(name, pl.Series(name, [changed[value] for value in values], dtype=pl.String))

    def whole(self, values: Sequence[Any]) -> tuple[pl.Series, pl.Series]:
        """Whole numbers, given as numbers or as digits, and their text. Digits written in another way are odd."""
        try:
            digits = pl.Series(values, dtype=pl.String, strict=True)
        except TypeError:
            numbers = self._numbers(values)
            return numbers, numbers.cast(pl.String)
        numbers = digits.cast(pl.Int64, strict=False)
        texts = numbers.cast(pl.String)
        self.mark(texts.ne_missing(digits))
        return numbers, texts

    def _numbers(self, values: Sequence[Any]) -> pl.Series:
        plain = [
            value if isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63 else None
            for value in values
        ]
        self.mark(pl.Series([value is not None and kept is None for value, kept in zip(values, plain, strict=True)]))
        return pl.Series(plain, dtype=pl.Int64)

    def count(self, name: str, values: Sequence[Any]) -> pl.Series:
        """A column of whole numbers."""
        return self.put(name, self.whole(values)[1])

    def nanoseconds(self, name: str, ticks: pl.Series) -> pl.Series:
        """Unix times in nanoseconds; 0 is none."""
        given = _none_where(ticks, ticks == 0)
        return self.put(name, (given // 1000).cast(pl.Datetime("us")).dt.strftime(_RFC_3339))

    def duration(self, name: str, start: pl.Series, end: pl.Series) -> pl.Series:
        """Milliseconds from start to end in nanoseconds, where both are known."""
        known = _none_where(end - start, (start == 0) | (end == 0))
        return self.put(name, (known // 10**6).cast(pl.String))

    def milliseconds(self, name: str, values: Sequence[Any], *, per_unit: int) -> pl.Series:
        """Numbers in a unit of `per_unit` ms, rounded."""
        texts: list[str | None] = []
        odd: list[bool] = []
        for value in values:
            is_number = isinstance(value, float | int) and not isinstance(value, bool) and abs(value) < _MAX_MS
            odd.append(value is not None and not is_number)
            texts.append(str(round(value * per_unit)) if is_number else None)
        self.mark(pl.Series(odd, dtype=pl.Boolean))
        return self.put(name, pl.Series(texts, dtype=pl.String))

    def money(self, name: str, values: Sequence[Any]) -> pl.Series:
        """Amounts with nine decimals."""
        texts: list[str | None] = []
        odd: list[bool] = []
        for value in values:
            try:
                texts.append(foreign.money(value, name))
                odd.append(False)
            except foreign.WrongValueError:
                texts.append(None)
                odd.append(True)
        self.mark(pl.Series(odd, dtype=pl.Boolean))
        return self.put(name, pl.Series(texts, dtype=pl.String))

    def frame(self, positions: Sequence[int], raws: Sequence[bytes]) -> pl.DataFrame:
        """The records that are not odd, with their positions and texts."""
        rows = pl.DataFrame(
            {**self.columns, ROW: pl.Series(positions, dtype=pl.Int64), RAW: raw_texts(raws)},
            schema_overrides={ROW: pl.Int64},
        )
        return rows.filter(~self.odd) if self.odd.any() else rows

    def put(self, name: str, column: pl.Series) -> pl.Series:
        """A column that is ready."""
        self.columns[name] = column.alias(name)
        return self.columns[name]


def _none_where(column: pl.Series, condition: pl.Series) -> pl.Series:
    if not condition.any():
        return column
    return pl.select(pl.when(~condition.fill_null(value=False)).then(column)).to_series()


def resolved(records: Sequence[Mapping[str, Any]], names: Sequence[str], present: frozenset[str]) -> list[Any]:
    """Of each record the value of the first name that has one; `present` are the names that any record has."""
    wanted = [name for name in names if name in present]
    if not wanted:
        return [None] * len(records)
    if len(wanted) == 1:
        (name,) = wanted
        return [record.get(name) for record in records]
    return [foreign.first(record, wanted) for record in records]


def ordered(contract: str, quick: pl.DataFrame, careful: pl.DataFrame) -> pl.DataFrame:
    """Both kinds of rows in the order of their positions; columns without a value are left out."""
    rows = pl.concat([quick, careful], how="diagonal").sort(ROW) if careful.height else quick
    names = [*registry.table(contract).columns, ROW, RAW]
    return rows.select(
        name for name in names if name in rows.columns and (name == ROW or rows[name].null_count() < rows.height)
    )


def without_enclosed(frame: pl.DataFrame) -> pl.DataFrame:
    """Operations that enclose another one's tokens, in the same `_request`, without them; `_parent` names the outer."""
    inside = frame.filter(pl.col("_parent").is_in(frame["source_record_id"].implode()))["_request"].unique()
    if inside.is_empty():
        return frame
    suspects = frame.filter(pl.col("_request").is_in(inside.implode())).select(
        "_request", "_parent", "source_record_id", "operation_name", *foreign.BEARERS
    )
    outer = [
        (number[0], own)
        for number, rows in suspects.group_by("_request", maintain_order=True)
        for own in foreign.enclosing(list(_as_values(rows)))
    ]
    if not outer:
        return frame
    marks = pl.DataFrame(outer, schema={"_request": pl.Int64, "source_record_id": pl.String}, orient="row")
    marked = frame.join(
        marks.with_columns(_is_outer=True), on=["_request", "source_record_id"], how="left", maintain_order="left"
    )
    is_outer = pl.col("_is_outer").is_not_null()
    emptied = [name for name in frame.columns if name.endswith("_tokens") or name == "reported_cost_usd"]
    llm = pl.col("operation_name").is_in(foreign.LLM_OPERATIONS)
    return marked.with_columns(
        *(pl.when(~is_outer).then(pl.col(name)).alias(name) for name in emptied),
        pl.when(is_outer & llm).then(pl.lit("invoke_agent")).otherwise("operation_name").alias("operation_name"),
    ).drop("_is_outer")


def _as_values(rows: pl.DataFrame) -> Iterator[tuple[str | None, str | None, Values]]:
    for row in rows.iter_rows(named=True):
        yield row["source_record_id"], row["_parent"], row

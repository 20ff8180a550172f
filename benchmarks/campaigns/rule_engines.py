"""Random records of a rule: does the compiled condition give the verdict that DuckDB gives on the same text?

Values are drawn near what the rule compares with: its literals and parameters, one beside them, and nothing.
Run whole: `.venv/bin/python -m benchmarks.campaigns.rule_engines --count 10000`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import random
import re
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl

from aurora.compliance.records import ValueType
from aurora.compliance.rulebook import RecordRule, Rulebook, load_rulebook
from aurora.compliance.sweep_sql import with_values
from aurora.compliance.verdicts import EXAMPLES_NOW, record_of
from aurora.settings import Settings

_POLARS: Mapping[ValueType, Any] = {
    "text": pl.String(),
    "bool": pl.Boolean(),
    "int": pl.Int64(),
    "float": pl.Float64(),
    "decimal": pl.Decimal(38, 9),
    "timestamp": pl.Datetime("us", "UTC"),
    "date": pl.Date(),
    "text_list": pl.List(pl.String()),
}
_SPANS = (0, 1, 5, 8, 29, 30, 31, 60, 89, 90, 91, 364, 365, 366, 5 * 365 + 1, 6 * 365 + 1)


def disagreements(book: Rulebook, rule: RecordRule, *, count: int, seed: int) -> list[dict[str, Any]]:
    """Records on which the engines differ, of `count` random ones and the rule's examples; at most five."""
    draw = random.Random(f"{seed}/{rule.rule_id}")
    types = {name: book.fields(rule.contract)[name] for name in rule.condition.fields}
    words = _words(book, rule)
    columns = {name: _drawn(kind, words, draw, count) for name, kind in types.items()}
    for example in rule.file.examples:
        record = record_of(book, rule.file.record, example.given, where="example")
        for name, values in columns.items():
            values.append(record[name])
    given = book.given(EXAMPLES_NOW)
    frame = pl.DataFrame(
        {name: pl.Series(name, _plain(values), dtype=_POLARS[types[name]]) for name, values in columns.items()}
    )
    text = with_values(rule.file.violates_when, book.pack(rule.pack.rule_pack).values, given)
    with duckdb.connect() as lake:
        lake.execute("SET TimeZone = 'UTC'")
        lake.register("record", frame.to_arrow())
        in_sql = [row[0] for row in lake.execute(f"SELECT ({text}) FROM record").fetchall()]
    records = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    in_python = [rule.condition.evaluate({**record, **given}) for record in records]
    return [
        {"record": record, "python": ours, "duckdb": theirs}
        for record, ours, theirs in zip(records, in_python, in_sql, strict=True)
        if ours is not theirs
    ][:5]


def _plain(values: list[Any]) -> list[Any]:
    return [list(value) if isinstance(value, tuple) else value for value in values]


def _words(book: Rulebook, rule: RecordRule) -> dict[str, list[Any]]:
    """What the rule compares with, by kind."""
    text = rule.file.violates_when
    values = book.pack(rule.pack.rule_pack).values
    texts = [found.replace("%", "x") for found in re.findall(r"'([^']*)'", text)]
    numbers = [Decimal(found) for found in re.findall(r"(?<![\w$.'-])\d+(?:\.\d+)?", text)]
    for name in rule.condition.parameters:
        value = values[name][1]
        if isinstance(value, tuple):
            texts += value
        elif isinstance(value, str):
            texts.append(value)
        elif isinstance(value, int | float | Decimal):
            numbers.append(Decimal(str(value)))
    for example in rule.file.examples:
        for value in example.given.values():
            texts += value if isinstance(value, list) else [value] if isinstance(value, str) else []
            if isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value):
                numbers.append(Decimal(value))
            elif isinstance(value, int | float) and not isinstance(value, bool):
                numbers.append(Decimal(str(value)))
    return {"text": [*texts, "", "other"], "number": [*numbers, Decimal(0), Decimal(1)]}


def _drawn(kind: ValueType, words: dict[str, list[Any]], draw: random.Random, count: int) -> list[Any]:
    make = _MAKERS[kind]
    return [None if draw.random() < 0.15 else make(words, draw) for _ in range(count)]


def _number(words: dict[str, list[Any]], draw: random.Random) -> Decimal:
    near = draw.choice(words["number"])
    found: Decimal = near * draw.choice((1, 1, 1, 2, 10, 1000)) + draw.choice(
        (0, 0, 1, -1, Decimal("0.01"), draw.randint(-1000, 1000))
    )
    return found


def _moment(_: dict[str, list[Any]], draw: random.Random) -> dt.datetime:
    span = dt.timedelta(days=draw.choice(_SPANS) * draw.choice((1, -1)))
    return EXAMPLES_NOW - span + dt.timedelta(microseconds=draw.choice((0, 0, 1, -1, draw.randint(-(10**11), 10**11))))


_MAKERS: Mapping[ValueType, Callable[[dict[str, list[Any]], random.Random], Any]] = {
    "text": lambda words, draw: draw.choice(words["text"]),
    "bool": lambda _, draw: draw.random() < 0.5,
    "int": lambda words, draw: int(_number(words, draw)),
    "float": lambda words, draw: float(_number(words, draw)),
    "decimal": lambda words, draw: _number(words, draw).quantize(Decimal("1e-9")),
    "timestamp": _moment,
    "date": lambda words, draw: _moment(words, draw).date(),
    "text_list": lambda words, draw: tuple(draw.choices(words["text"], k=draw.randint(0, 4))),
}


def main() -> None:
    """The whole campaign, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="Random records a rule.")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    began = time.perf_counter()
    book = load_rulebook(Settings().packs_dir)
    found = {rule.rule_id: disagreements(book, rule, count=asked.count, seed=asked.seed) for rule in book.rules}
    wrong = {rule_id: rows for rule_id, rows in found.items() if rows}
    report = {
        "rules": len(found),
        "records_a_rule": asked.count,
        "seconds": round(time.perf_counter() - began, 1),
        "rules_in_disagreement": len(wrong),
        "disagreements": wrong,
    }
    print(json.dumps(report, indent=2, default=str))


if __name__ == "__main__":
    main()

"""One text, two engines: the compiled condition and DuckDB give the same verdict on any record."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aurora.compliance.expressions import GIVEN, compile_condition
from aurora.compliance.records import DECISION_FIELDS, ValueType
from aurora.compliance.rules import CompiledRule, compile_rules
from aurora.compliance.sweep_sql import with_values
from aurora.errors import DataError
from aurora.packs import list_packs, load_pack
from aurora.settings import Settings

ARROW: dict[str, pa.DataType] = {
    "text": pa.string(),
    "bool": pa.bool_(),
    "int": pa.int64(),
    "float": pa.float64(),
    "decimal": pa.decimal128(38, 9),
    "timestamp": pa.timestamp("us", "UTC"),
    "date": pa.date32(),
    "text_list": pa.list_(pa.string()),
}
FIELDS: dict[str, ValueType] = {
    **DECISION_FIELDS,
    "candidate.updated_at": "timestamp",
    "candidate.checked_at": "timestamp",
    "candidate.expiry_date": "date",
    "tenant.trained_date": "date",
}
NOW = dt.datetime(2026, 2, 28, 23, 30, tzinfo=dt.UTC)
PARAMETERS: dict[str, tuple[ValueType, object]] = {
    "now": ("timestamp", GIVEN),
    "limit": ("int", 3),
    "share": ("decimal", Decimal("0.25")),
    "countries": ("text_list", ("ae-dubai", "É")),
}
WORDS = ("ae-dubai", "us-east", "personal", "sensitive", "act", "down", "read_only_alerts", "É", "")
VALUES: dict[ValueType, st.SearchStrategy[Any]] = {
    "text": st.sampled_from(WORDS),
    "bool": st.booleans(),
    "int": st.integers(-3, 3) | st.integers(-(10**6), 10**6),
    "float": st.sampled_from([-1.0, -0.0, 0.1, 0.3, 1.5, 2.0]) | st.floats(-1e6, 1e6),
    "decimal": st.integers(-(10**13), 10**13).map(lambda n: Decimal(n).scaleb(-9))
    | st.sampled_from([Decimal("0.1"), Decimal(2), Decimal("0.300000000")]),
    "timestamp": st.datetimes(dt.datetime(2023, 12, 1), dt.datetime(2028, 3, 5), timezones=st.just(dt.UTC)),  # noqa: DTZ001
    "date": st.dates(dt.date(2023, 12, 1), dt.date(2028, 3, 5)),
    "text_list": st.lists(st.sampled_from(WORDS), max_size=3).map(tuple),
}


def _records(fields: list[str]) -> st.SearchStrategy[dict[str, object]]:
    return st.fixed_dictionaries({name: st.none() | VALUES[FIELDS[name]] for name in fields})


def _fields(kind: ValueType) -> list[str]:
    return [name for name, declared in FIELDS.items() if declared == kind]


TEXT_LITERAL = st.sampled_from(WORDS).map(lambda word: f"'{word}'")
NUMBER_LITERAL = st.sampled_from(["0", "1", "2", "-1", "0.1", "0.30", "-2.5", "1e0", "3e-1", "100", "$limit", "$share"])
TEXTS = st.sampled_from(_fields("text")) | TEXT_LITERAL
LISTS = st.sampled_from([*_fields("text_list"), "$countries"])
NUMBER_FIELDS = st.sampled_from(_fields("int") + _fields("decimal") + _fields("float"))
NUMBERS = st.recursive(
    NUMBER_FIELDS | NUMBER_LITERAL | LISTS.map(lambda name: f"len({name})"),
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from("+-"), inner)
        | st.builds("{} * {}".format, NUMBER_FIELDS, st.sampled_from(["2", "-1", "0.5", "1e-1"]))
        | st.builds("-({})".format, inner)
        | st.builds("abs({})".format, inner)
        | st.builds("coalesce({}, {})".format, inner, inner)
        | st.builds("CASE WHEN {} THEN {} ELSE {} END".format, st.sampled_from(_fields("bool")), inner, inner)
    ),
    max_leaves=3,
)
TIME_FIELDS = st.sampled_from([*_fields("timestamp"), *_fields("date"), "$now"])
INTERVALS = st.builds(
    "INTERVAL {} {}".format,
    st.integers(0, 40) | st.just("$limit"),
    st.sampled_from(["MINUTE", "HOUR", "DAY", "MONTH", "YEAR"]),
)
TIMES = st.one_of(
    TIME_FIELDS,
    st.sampled_from(["DATE '2024-02-29'", "DATE '2026-01-31'"]),
    st.builds("CAST({} AS DATE)".format, TIME_FIELDS),
    st.builds("{} {} {}".format, TIME_FIELDS, st.sampled_from("+-"), INTERVALS),
)
OPERATORS = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
ATOMS = st.one_of(
    st.sampled_from(_fields("bool")),
    st.builds("{} {} {}".format, TEXTS, OPERATORS, TEXTS),
    st.builds("{} {} {}".format, NUMBERS, OPERATORS, NUMBERS),
    st.builds("{} {} {}".format, TIMES, OPERATORS, TIMES),
    st.builds("{} IS {} {}".format, TEXTS, st.sampled_from(["DISTINCT FROM", "NOT DISTINCT FROM"]), TEXTS),
    st.builds("{} IS {} {}".format, NUMBERS, st.sampled_from(["DISTINCT FROM", "NOT DISTINCT FROM"]), NUMBERS),
    st.builds("{} LIKE '{}%'".format, st.sampled_from(_fields("text")), st.sampled_from(["ae-", "", "s", "É"])),
    st.builds("{} {} ({}, {})".format, TEXTS, st.sampled_from(["IN", "NOT IN"]), TEXTS, TEXTS | st.just("NULL")),
    st.builds("{} {} {} AND {}".format, NUMBERS, st.sampled_from(["BETWEEN", "NOT BETWEEN"]), NUMBERS, NUMBERS),
    st.builds("{} IS {}".format, st.sampled_from(list(FIELDS)), st.sampled_from(["NULL", "NOT NULL"])),
    st.builds("{} IS {}".format, st.sampled_from(_fields("bool")), st.sampled_from(["TRUE", "NOT TRUE", "FALSE"])),
    st.builds("list_contains({}, {})".format, LISTS, TEXTS),
    st.builds("{}({}, {})".format, st.sampled_from(["list_has_all", "list_has_any"]), LISTS, LISTS),
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: (
        st.builds("{} AND {}".format, inner, inner)
        | st.builds("{} OR {}".format, inner, inner)
        | st.builds("({} OR {})".format, inner, inner)
        | st.builds("NOT {}".format, inner)
        | st.builds("NOT ({})".format, inner)
        | st.builds("({}) = ({})".format, inner, inner)
    ),
    max_leaves=5,
)
LAKE = duckdb.connect()
LAKE.execute("SET TimeZone = 'UTC'")


def _in_duckdb(text: str, fields: list[str], records: list[dict[str, object]]) -> list[bool | None]:
    """DuckDB's verdict on each record: the text as it stands, over struct columns."""
    parts: dict[str, list[str]] = {"request": [], "candidate": [], "tenant": []}
    for name in fields:
        part, _, field = name.partition(".")
        parts[part].append(field)
    columns = {
        part: pa.array(
            [{field: record[f"{part}.{field}"] for field in names} for record in records],
            pa.struct([(field, ARROW[FIELDS[f"{part}.{field}"]]) for field in names]),
        )
        for part, names in parts.items()
        if names
    }
    LAKE.register("records", pa.table({"number": range(len(records)), **columns}))
    return [row[0] for row in LAKE.execute(f"SELECT ({text}) FROM records ORDER BY number").fetchall()]


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_condition_gives_the_same_verdict_in_both_engines(data: st.DataObject):
    text = data.draw(CONDITIONS)
    condition = compile_condition(text, FIELDS, where="test", parameters=PARAMETERS)
    records = data.draw(st.lists(_records(list(condition.fields)), min_size=1, max_size=4))
    in_sql = with_values(text, PARAMETERS, {"$now": NOW})
    found = [condition.evaluate({**record, "$now": NOW}) for record in records]
    assert found == _in_duckdb(in_sql, list(condition.fields), records)


def test_an_empty_text_may_end_a_condition():
    condition = compile_condition("request.kind = ''", FIELDS, where="test", parameters=PARAMETERS)
    assert condition.evaluate({"request.kind": "", "$now": NOW})
    late = compile_condition(
        "candidate.updated_at = $now AND request.kind = ''", FIELDS, where="t", parameters=PARAMETERS
    )
    assert late.evaluate({"request.kind": "", "candidate.updated_at": NOW, "$now": NOW})


SHIPPED = [
    rule
    for pack in list_packs(Settings().packs_dir)
    for rule in compile_rules(load_pack(Settings().packs_dir, pack).rules).rules
]


FIRST, SPAN_DAYS = dt.datetime(2023, 12, 1, tzinfo=dt.UTC), 1556
MOMENTS = [dt.datetime(2024, 2, 29, tzinfo=dt.UTC), NOW, *(NOW + dt.timedelta(hours=hours) for hours in (-24, -1, 1))]


def _moment(source: random.Random) -> dt.datetime:
    """One of a few, that times meet and cross a day or a month, or any."""
    any_moment = FIRST + dt.timedelta(days=source.randrange(SPAN_DAYS), microseconds=source.randrange(86_400_000_000))
    return source.choice([*MOMENTS, any_moment, any_moment, any_moment])


PICKS: dict[ValueType, Callable[[random.Random], object]] = {
    "text": lambda source: source.choice(WORDS),
    "bool": lambda source: source.random() < 0.5,
    "int": lambda source: source.choice([source.randint(-3, 3), source.randint(-(10**6), 10**6)]),
    "float": lambda source: source.choice([-1.0, -0.0, 0.1, 0.3, 1.5, 2.0, source.uniform(-1e6, 1e6)]),
    "decimal": lambda source: source.choice(
        [Decimal(source.randint(-(10**13), 10**13)).scaleb(-9), Decimal("0.1"), Decimal(2), Decimal("0.300000000")]
    ),
    "timestamp": _moment,
    "date": lambda source: _moment(source).date(),
    "text_list": lambda source: tuple(source.choices(WORDS, k=source.randrange(4))),
}


def _picked(fields: list[str], source: random.Random) -> dict[str, object]:
    """A record; each value may be absent."""
    return {name: None if source.random() < 0.2 else PICKS[FIELDS[name]](source) for name in fields}


@pytest.mark.parametrize("rule", SHIPPED, ids=lambda rule: rule.rule.rule_id)
def test_every_shipped_rule_gives_the_same_verdict_in_both_engines(rule: CompiledRule):
    source = random.Random(random.getrandbits(64))  # of the run's seed
    fields = list(rule.condition.fields)
    records = [_picked(fields, source) for _ in range(400)]
    found = [rule.condition.evaluate(record) for record in records]
    in_sql = _in_duckdb(rule.rule.violates_when, fields, records)
    for record, one, other in zip(records, found, in_sql, strict=True):
        assert one == other, record


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("request.privcy_class = 'x'", "not a field"),
        ("request.privacy_class = 1", "cannot be compared"),
        ("request.privacy_class", "not true or false"),
        ("request.is_acting = request.is_acting = TRUE", "parentheses"),
        ("candidate.regions = candidate.skills", "cannot be compared"),
        ("candidate.cost_usd / 2 > 1", "outside the subset"),
        ("request.mode LIKE 'a_b%'", "LIKE 'prefix%'"),
        ("request.mode LIKE 'ab'", "LIKE 'prefix%'"),
        ("request.mode = $mode", "not a parameter"),
        ("CASE request.mode WHEN 'a' THEN TRUE END", "CASE WHEN"),
        ("coalesce(request.mode, 1) = 'a'", "mixes"),
        ("request.deadline_ms - INTERVAL 1 DAY > 3", "not a time"),
        ("CAST(request.mode AS DATE) > DATE '2026-01-01'", "not a time"),
        ("DATE '2026-13-01' IS NULL", "yyyy-mm-dd"),
        ("request.mode IN (SELECT 'act')", "list of values"),
        ("lower(request.mode) = 'act'", "outside the subset"),
        ("random() > 0.5", "outside the subset"),
        ("list_has_all(candidate.regions, request.mode)", "does not fit"),
        ("list_contains(request.mode, 'a')", "does not fit"),
        ("request.mode IS TRUE", "IS NULL"),
        ("secret_function(request.mode)", "not a function"),
        ("request.mode = 'act'; DROP TABLE x", "SQL"),
        ("SELECT 1", "outside the subset"),
        ("request.mode = ", "not SQL"),
        ("-request.mode = 'a'", "not a number"),
        ("NOT request.mode", "not true or false"),
        ("len(request.mode) > 2", "items of a list"),
        ("CAST(request.mode AS INT) = 1", "outside the subset"),
    ],
)
def test_what_is_outside_the_subset_is_refused_at_load(text: str, says: str):
    with pytest.raises(DataError, match=says) as caught:
        compile_condition(text, DECISION_FIELDS, where="Rule x")
    assert "Rule x" in caught.value.message


def test_unknown_is_neither_true_nor_false():
    condition = compile_condition("candidate.cost_usd > request.max_cost_usd", DECISION_FIELDS, where="x")
    record: dict[str, object] = {"candidate.cost_usd": Decimal(1), "request.max_cost_usd": None}
    assert condition.evaluate(record) is None
    assert condition.evaluate(record | {"request.max_cost_usd": Decimal("0.5")}) is True
    assert condition.fields == ("candidate.cost_usd", "request.max_cost_usd")

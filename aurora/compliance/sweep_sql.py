"""The sweep as SQL: one scan of a contract's records, all its rules as columns.

The conditions' own text runs over the newest state of each record, joined with the facts that its rules need.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from aurora.compliance.declarations import Fact, FactGroup
from aurora.compliance.expressions import GIVEN
from aurora.compliance.rulebook import ParameterValues, RecordRule, Rulebook
from contracts import registry
from contracts.field import FieldType
from contracts.fields import FIELDS

KEY_SEPARATOR: Final = "|"
PROTECTED: Final = "(protected)"
"""Stands in evidence for a value that a finding may not show: it is there, and the record says what it is."""
_PARAMETER: Final = re.compile(r"'(?:[^']|'')*'|\$(\w+)")
_READ: Final[Mapping[FieldType, str]] = {
    "json": "TRY(from_json(s.{0}, '[\"VARCHAR\"]'))",
    "decimal": "CAST(s.{0} AS DECIMAL(38, 9))",
}
"""How conditions read a column. Decimals are widened: DuckDB keeps products of DECIMAL(18) in 18 digits and overflows."""
_ASSISTANT_COLUMNS: Final = ("assistant_id", "from_assistant_id")


def sweep_sql(rulebook: Rulebook, contract: str, rules: Sequence[RecordRule], given: Mapping[str, object]) -> str:
    """One SELECT that gives one row: `judged`, `broken_<n>` and `unknown_<n>` of the nth rule, and `hits`, the list of
    records that break one, each with its key, source, evidence (`e_<field>`), clock starts (`t_<field>`), and `broken_<n>`.
    """
    texts = [with_values(rule.file.violates_when, _values(rulebook, rule), given) for rule in rules]
    silent = [rulebook.silent_sources(rule) for rule in rules]
    verdicts = [f"{_where_told(text, silent[place])} AS c{place}" for place, text in enumerate(texts)]
    counts = [
        f"count(*) FILTER (WHERE c{place}) AS broken_{place}, count(*) FILTER (WHERE c{place} IS NULL) AS unknown_{place}"
        for place in range(len(rules))
    ]
    broken = [f"'broken_{place}': coalesce(c{place}, false)" for place in range(len(rules))]
    shown = _shown(rulebook, contract, rules)
    hit = ", ".join([*(f"'{name}': {name}" for name in shown), *broken])
    found = " OR ".join(f"c{place}" for place in range(len(rules)))
    columns = ",\n    ".join([*(f"{text} AS {name}" for name, text in shown.items()), *verdicts])
    return (
        f"WITH {record_ctes(rulebook, contract, rules, given)},\n"
        f"judged AS (\n  SELECT\n    {columns}\n  FROM record\n)\n"
        f"SELECT count(*) AS judged, {', '.join(counts)}, list({{{hit}}}) FILTER (WHERE {found}) AS hits FROM judged"
    )


def record_ctes(rulebook: Rulebook, contract: str, rules: Sequence[RecordRule], given: Mapping[str, object]) -> str:
    """CTEs that end with `record`: the newest state of each record with the facts that the rules ask for."""
    groups = _groups(rulebook, contract, rules)
    read = dict.fromkeys([contract, *(name for group in groups for name in group.reads)])
    parts = [f"{name} AS ({newest(name)})" for name in read]
    facts, joins = ["r.*"], [f"FROM {contract} AS r"]
    for place, group in enumerate(groups):
        values = rulebook.pack(group.parameters_of).values if group.parameters_of else {}
        parts.append(f"f{place} AS ({with_values(group.sql, values, given)})")
        facts += [_fact(place, name, fact) for name, fact in group.facts.items()]
        on = " AND ".join(f"f{place}.{column} = r.{column}" for column in group.by)
        joins.append(f"LEFT JOIN f{place} ON {on or 'true'}")
    parts.append(f"record AS (SELECT {', '.join(facts)} {' '.join(joins)})")
    return ",\n".join(parts)


def newest(contract: str) -> str:
    """The newest state of each record, JSON columns as lists of texts."""
    table = registry.table(contract)
    columns = ", ".join(
        f"{_READ.get(field.type, 's.{0}').format(field.name)} AS {field.name}" for field in table.fields
    )
    if table.versioned_by is None:
        return f"SELECT {columns} FROM raw.{contract} AS s"
    key = ", ".join(table.key)
    same = " AND ".join(f"n.{name} = s.{name}" for name in (*table.key, table.versioned_by))
    return (
        f"SELECT {columns} FROM raw.{contract} AS s JOIN (SELECT {key}, max({table.versioned_by}) AS {table.versioned_by}"
        f" FROM raw.{contract} GROUP BY {key}) AS n ON {same}"
    )


def with_values(text: str, values: ParameterValues, given: Mapping[str, object]) -> str:
    """The text with each `$parameter` as a literal; texts in quotes are left alone."""

    def literal_of(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return match[0]
        value = values[name][1]
        return literal(given[f"${name}"] if value is GIVEN else value)

    return _PARAMETER.sub(literal_of, text)


def literal(value: object) -> str:
    """A value as SQL."""
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case float():
            return f"{value!r}e0" if "e" not in repr(value) else repr(value)
        case Decimal():
            return f"{value.normalize():f}"
        case dt.datetime():
            return f"CAST('{value.astimezone(dt.UTC).isoformat(sep=' ')}' AS TIMESTAMP WITH TIME ZONE)"
        case dt.date():
            return f"DATE '{value.isoformat()}'"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case tuple():
            return f"[{', '.join(map(literal, value))}]"
        case _:
            raise TypeError(f"{type(value).__name__} has no literal")


def _where_told(text: str, silent: Sequence[str]) -> str:
    """The condition, unknown for records of sources that do not carry what it asks for."""
    if not silent:
        return f"({text})"
    return f"CASE WHEN source IN ({', '.join(map(literal, silent))}) THEN NULL ELSE ({text}) END"


def _values(rulebook: Rulebook, rule: RecordRule) -> ParameterValues:
    return rulebook.pack(rule.pack.rule_pack).values


def _groups(rulebook: Rulebook, contract: str, rules: Iterable[RecordRule]) -> list[FactGroup]:
    asked = {name for rule in rules for name in (*rule.condition.fields, *rule.file.evidence)}
    return [group for group in rulebook.facts.values() if group.record == contract and asked & set(group.facts)]


def _fact(place: int, name: str, fact: Fact) -> str:
    value = f"f{place}.{name}"
    return f"{value if fact.otherwise is None else f'coalesce({value}, {literal(fact.otherwise)})'} AS {name}"


def _shown(rulebook: Rulebook, contract: str, rules: Sequence[RecordRule]) -> dict[str, str]:
    """What a hit says of its record: name and SQL."""
    table = registry.table(contract)
    key = ", ".join(f"CAST({name} AS VARCHAR)" for name in table.key if name != "source")
    assistant = next((name for name in _ASSISTANT_COLUMNS if name in table.columns), "CAST(NULL AS VARCHAR)")
    sample = "is_sample" if "is_sample" in table.columns else "false"
    shown = {
        "record_key": f"concat_ws('{KEY_SEPARATOR}', {key})",
        "record_source": "source",
        "record_assistant": assistant,
        "record_is_sample": sample,
        "record_region": "region",
    }
    for rule in rules:
        if rule.file.clock.runs_from is not None:
            shown[f"t_{rule.file.clock.runs_from}"] = rule.file.clock.runs_from
        for name in rule.file.evidence:
            shown[f"e_{name}"] = _evidence(rulebook, contract, name)
    return shown


def _evidence(rulebook: Rulebook, contract: str, name: str) -> str:
    facts = {
        fact: said
        for group in rulebook.facts.values()
        if group.record == contract
        for fact, said in group.facts.items()
    }
    privacy = facts[name].privacy if name in facts else FIELDS[name].privacy
    if privacy in ("public", "internal"):
        return f"CAST({name} AS VARCHAR)"
    return f"CASE WHEN {name} IS NULL THEN NULL ELSE {literal(PROTECTED)} END"

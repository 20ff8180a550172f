"""Who uses the lake besides dbt: pages, features, policies, rules, formats, assistants, the engine's own code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from aurora.catalogue.lineage import Column
from aurora.catalogue.python_reads import Read, code_reads, page_reads
from aurora.compliance.expressions import compile_condition
from aurora.compliance.records import DECISION_FIELDS
from aurora.compliance.rulebook import load_rulebook
from aurora.decisions.features import MART, FeatureRow
from aurora.ingest.source_formats import ANY, source_formats
from aurora.packs import PROTOCOL_EXPORTS, Pack
from aurora.settings import PROJECT_DIR
from contracts import registry

UserKind = Literal["page", "feature", "policy", "rule", "format", "assistant", "code"]

FIELD_ORIGINS: Final[Mapping[str, tuple[Column, ...]]] = MappingProxyType(
    {
        "candidate.skills": (("raw.assistant", "skills"),),
        "candidate.state": (("raw.assistant", "assistant_state"),),
        "candidate.control_level": (("raw.assistant", "control_level"),),
        "candidate.priority": (("raw.assistant", "priority"),),
        "candidate.is_sample": (("raw.assistant", "is_sample"),),
        "candidate.capacity_count": (("raw.assistant", "capacity_count"),),
        "candidate.open_task_count": ((f"mart.{MART}", "open_task_count"),),
        "candidate.cost_usd": ((f"mart.{MART}", "cost_usd_mean"),),
        "candidate.latency_ms": ((f"mart.{MART}", "duration_p50_ms"),),
        "candidate.quality": ((f"mart.{MART}", "success_share"), (f"mart.{MART}", "task_count")),
    }
)
"""Where a field that rules read comes from; fields of the request come with the request."""

_ROOMS: Final = ("aurora/decisions", "aurora/entities", "aurora/ingest", "aurora/privacy", "ml", "orchestration")
"""Rooms whose code reads the lake."""

_ESTIMATES: Final = MappingProxyType(
    {
        "quality": "candidate.quality",
        "latency_ms": "candidate.latency_ms",
        "cost_usd": "candidate.cost_usd",
        "load_share": "candidate.open_task_count",
    }
)
"""Field behind each attribute of an estimate, as policies score it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Something that reads columns of the lake."""

    kind: UserKind
    name: str
    tables: frozenset[str]
    columns: frozenset[Column]
    """Relation (`raw.x`, `mart.x`) and column. A word that is no column of the relation does no harm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Something that brings rows of a contract, and the columns it names; all of them where `names` is None."""

    kind: UserKind
    name: str
    contracts: frozenset[str]
    names: frozenset[str] | None


@cache
def source_users(project: Path = PROJECT_DIR) -> tuple[User, ...]:
    """Pages, features and the engine's code, read off the source."""
    users = [_user("page", name, reads) for name, reads in page_reads(project).items()]
    features = frozenset((f"mart.{MART}", name) for name in FeatureRow.__struct_fields__)
    users += [
        User(kind="feature", name=column, tables=frozenset({relation}), columns=frozenset({(relation, column)}))
        for relation, column in sorted(features)
    ]
    by_module: dict[str, list[Read]] = {}
    for read in code_reads(project, _ROOMS):
        by_module.setdefault(read.module, []).append(read)
    users += [_user("code", module, reads) for module, reads in by_module.items()]
    return (*users, *_policies(project), *_record_rules(project))


def _record_rules(project: Path) -> Iterator[User]:
    """Rules about records: the columns that they and the facts they need read."""
    book = load_rulebook(project / "packs")
    for rule in book.rules:
        read = {(f"raw.{rule.contract}", name) for name in (*rule.condition.fields, *rule.file.evidence)}
        for group in book.facts.values():
            if group.record == rule.contract and set(group.facts) & set(rule.condition.fields):
                words = re.findall(r"[a-z_]+", group.sql)
                read |= {(f"raw.{contract}", word) for contract in group.reads for word in (*words, *group.by)}
        yield User(
            kind="rule", name=rule.rule_id, tables=frozenset(table for table, _ in read), columns=frozenset(read)
        )


def pack_users(packs: Sequence[Pack]) -> tuple[User, ...]:
    """Rules of packs, a shared one once: the columns behind the fields that their conditions read."""
    users: dict[User, None] = {}
    for pack in packs:
        for rule in pack.rules:
            fields = compile_condition(rule.violates_when, DECISION_FIELDS, where=f"Rule {rule.rule_id}").fields
            users[_of_fields("rule", rule.rule_id, fields)] = None
    return tuple(users)


def writers(packs: Sequence[Pack]) -> tuple[Writer, ...]:
    """Formats, and assistants that export a contract."""
    found = [
        Writer(
            kind="format",
            name=name,
            contracts=frozenset(one.CONTRACTS),
            names=None if one.CONTRACTS is ANY else _words_of(f"formats/{name}.py", *_INGEST) | _moments(one.CONTRACTS),
        )
        for name, one in source_formats().items()
    ]
    found += [
        Writer(
            kind="assistant",
            name=assistant.assistant_id,
            contracts=frozenset({*assistant.exports, *PROTOCOL_EXPORTS}),
            names=None,
        )
        for pack in packs
        for assistant in pack.assistants
    ]
    return tuple(found)


def _moments(contracts: Sequence[str]) -> frozenset[str]:
    """Columns that tell states apart: ingest fills them by the contract's word, so no module names them."""
    found = (registry.table(name).versioned_by for name in contracts)
    return frozenset(name for name in found if name is not None)


_INGEST: Final = ("completion.py", "staging.py")
"""Modules of ingest through which every row goes: columns that they name, every row has."""
_MADE_OF: Final = ("aurora.ingest", "aurora.gateway")
"""Rooms whose modules such a module is made of: the gateway prices the rows."""


@cache
def _words_of(*files: str) -> frozenset[str]:
    """Words of the texts of modules of ingest, and of the modules that they are made of."""
    folder = PROJECT_DIR / "aurora" / "ingest"
    words: set[str] = set()
    waiting, seen = [folder / file for file in files], set[Path]()
    while waiting:
        file = waiting.pop()
        if file in seen or not file.is_file():
            continue
        seen.add(file)
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                words |= set(re.findall(r"[a-z][a-z0-9_]*", node.value))
            elif isinstance(node, ast.keyword) and node.arg:
                words.add(node.arg)
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_MADE_OF):
                taken = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
                waiting += [PROJECT_DIR / (module.replace(".", "/") + ".py") for module in taken]
    return frozenset(words)


def _user(kind: UserKind, name: str, reads: Sequence[Read]) -> User:
    return User(
        kind=kind,
        name=name,
        tables=frozenset[str]().union(*(read.tables for read in reads)),
        columns=frozenset((table, word) for read in reads for table in read.tables for word in read.words),
    )


def _of_fields(kind: UserKind, name: str, fields: Sequence[str]) -> User:
    columns = frozenset(column for field in fields for column in FIELD_ORIGINS.get(field, ()))
    return User(kind=kind, name=name, tables=frozenset(relation for relation, _ in columns), columns=columns)


def _policies(project: Path) -> list[User]:
    users = []
    for file in sorted((project / "aurora" / "decisions" / "policies").glob("*.py")):
        if file.stem == "__init__":
            continue
        attributes = {
            node.attr
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            if isinstance(node, ast.Attribute)
        }
        users.append(
            _of_fields("policy", file.stem, [_ESTIMATES[name] for name in sorted(attributes & _ESTIMATES.keys())])
        )
    return users

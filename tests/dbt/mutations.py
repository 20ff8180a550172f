"""Breaking changes of contracts, injected into copies of the registry, and what really breaks then.

What breaks is found by running it: the SQL that dbt compiled, over empty tables of the changed shape; the pages'
questions; the features' query; and every format's file of yesterday at the changed gate.
"""

from __future__ import annotations

import copy
import datetime as dt
import gc
import importlib
import json
import pkgutil
import random
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from polars.exceptions import ColumnNotFoundError, PolarsError

from aurora.catalogue.dbt_sql import RAW
from aurora.catalogue.lineage import Lineage, raw_columns
from aurora.decisions.features import MART, FeatureRow
from aurora.errors import AuroraError
from aurora.gateway.prices import default_book
from aurora.ingest.portions import BatchOrigin, SourceFile
from aurora.ingest.source_formats import source_formats
from aurora.ingest.staging import stage_file
from contracts import registry
from contracts.evolution import State
from contracts.field import Check, Field
from contracts.fields import FIELDS
from contracts.table import Table

Part = tuple[str, str]
"""Kind and name."""

_OTHER_TYPE = {
    "text": "int", "json": "int", "int": "text", "float": "text", "decimal": "text", "bool": "text",
    "timestamp": "int", "date": "int",
}  # fmt: skip


@dataclass(frozen=True)
class Mutation:
    """A change of the published state that nobody prepared for."""

    kind: str
    table: str
    column: str
    state: State

    def __str__(self) -> str:
        return f"{self.kind} {self.table}.{self.column}"


CORE = ("usage", "task", "decision")
"""Tables that most is made from."""


KINDS = ("drop", "rename", "retype", "require", "check", "add required", "key")


def mutations(state: State, *, tables: Sequence[str], seed: int, is_thorough: bool) -> list[Mutation]:
    """Breaking changes, of columns drawn from each table.

    Every kind for each core table and one for each other, the kinds in turn; thorough: every kind for all, and
    several columns each.
    """
    draw = random.Random(seed)
    found = []
    for nth, table in enumerate(tables):
        columns = list(state[table]["columns"])
        most = (len(columns) if table in CORE else 3) if is_thorough else 1
        for kind in KINDS if is_thorough or table in CORE else (KINDS[nth % len(KINDS)],):
            few = most if kind == "drop" else 1 if kind == "key" else max(1, most // 2)
            found += [_mutated(kind, state, table, column) for column in draw.sample(columns, min(len(columns), few))]
    return [mutation for mutation in found if mutation.state != state]


def _mutated(kind: str, state: State, table: str, column: str) -> Mutation:
    changed: dict[str, Any] = json.loads(json.dumps(state))
    told = changed[table]
    columns = told["columns"]
    match kind:
        case "drop":
            del columns[column]
        case "rename":
            told["columns"] = {f"{name}_renamed" if name == column else name: about for name, about in columns.items()}
        case "retype":
            columns[column] |= {"type": _OTHER_TYPE[columns[column]["type"]], "checks": {}}
        case "require":
            columns[column]["is_required"] = True
        case "check":
            columns[column]["checks"] |= _impossible(columns[column]["type"])
        case "add required":
            columns["added_id"] = {
                **columns[column],
                "type": "text",
                "is_required": True,
                "checks": {},
                "token_of": None,
            }
        case "key":
            told["key"] = [column]
            columns[column]["is_required"] = True
    return Mutation(kind, table, column, changed)


def _impossible(kind: str) -> dict[str, Any]:
    if kind in ("int", "float", "decimal"):
        return {"at_least": 10**9}
    if kind in ("text", "json"):
        return {"one_of": ["never"]}
    return {"not_before": "2090-01-01T00:00:00"} if kind == "timestamp" else {}


# dbt, pages, features -------------------------------------------------------------------------


class Compiled:
    """The SQL that dbt itself compiled, the pages' questions and the features' query, over empty tables.

    A change makes its table anew, and whatever SQL names it; then all is put back.
    """

    def __init__(self, folder: Path, lineage: Lineage, state: State) -> None:
        compiled = (folder / "target" / "compiled").rglob("models/**/*.sql")
        files = {file.stem: file for file in compiled if file.parent.suffix != ".yml"}  # those are unit tests' fixtures
        of_dbt = [name for name in lineage.models if name in files]  # a KPI stands in the table of all KPIs
        self._sql = {name: files[name].read_text(encoding="utf-8") for name in of_dbt}
        self._parents = _parents(folder)
        self._schemas = {name: {"marts": "main"}.get(m.layer, m.layer) for name, m in lineage.models.items()}
        self._questions = {**dict(_questions()), ("feature", MART): (_FEATURES, FeatureRow.__struct_fields__)}
        self._state = state
        self._connection = duckdb.connect()
        self._connection.execute("ATTACH ':memory:' AS raw; ATTACH ':memory:' AS mart; SET TimeZone = 'UTC'")
        self._connection.execute("CREATE SCHEMA mart.staging; CREATE SCHEMA mart.intermediate")
        self._connection.execute("CREATE MACRO raw.current_snapshot() AS TABLE SELECT 1 AS id")
        for table in state:
            self._make_raw(table, state)
        self._whole = {("dbt", name): self._built(name) for name in self._sql}
        self._whole |= {part: self._asked(part) for part in self._questions}
        cannot = {part for part, shape in self._whole.items() if shape is None}
        self._whole = {part: shape for part, shape in self._whole.items() if shape is not None}
        self._questions = {part: asked for part, asked in self._questions.items() if part not in cannot}
        assert {kind for kind, _ in cannot} <= {"page"}, cannot  # a question about snapshots wants a real lake

    def broken(self, table: str, state: State) -> set[Part]:
        """What cannot be built or read where `table` is as in `state`, or does not keep the types it promised."""
        self._make_raw(table, state)
        below = self._below(table)
        shapes: dict[Part, Any] = {}
        for name in below:
            shape = self._built(name)
            if any(shapes.get(("dbt", parent), parent) is None for parent in self._parents[name]):
                shape = None  # dbt skips what it made from something that failed
            shapes["dbt", name] = shape
        named = re.compile(rf"\b(?:raw\.{table}|mart\.(?:{'|'.join(below) or 'nothing'}))\b")
        shapes |= {part: self._asked(part) for part, (sql, _) in self._questions.items() if named.search(sql)}
        self._make_raw(table, self._state)
        for name in below:
            self._built(name)
        return {part for part, shape in shapes.items() if shape != self._whole[part]}

    @property
    def parts(self) -> set[Part]:
        """Everything that can be tried."""
        return set(self._whole)

    def _below(self, table: str) -> list[str]:
        """Dbt models whose SQL names the table, or one that does, in order."""
        reached = {f'"raw"."main"."{table}"'}
        found = []
        for name, sql in self._sql.items():
            if any(relation in sql for relation in reached) or self._parents[name] & set(found):
                found.append(name)
                reached.add(f'"mart"."{self._schemas[name]}"."{name}"')
        return found

    def _built(self, name: str) -> list[tuple[str, str]] | None:
        relation = f"mart.{self._schemas[name]}.{name}"
        self._connection.execute(f"DROP TABLE IF EXISTS {relation}")
        try:
            self._connection.execute(f"CREATE TABLE {relation} AS {self._sql[name]}")
            told = self._connection.execute(f"DESCRIBE {relation}").fetchall()
        except duckdb.Error:
            return None
        return [(str(row[0]), str(row[1])) for row in told]

    def _asked(self, part: Part) -> list[str] | None:
        sql, shape = self._questions[part]
        try:
            answer = self._connection.execute(sql, dict.fromkeys(re.findall(r"\$(\w+)", sql))).pl()
            return answer.select(list(shape)).columns
        except (duckdb.Error, ColumnNotFoundError):
            return None

    def _make_raw(self, table: str, state: State) -> None:
        self._connection.execute(f"DROP TABLE IF EXISTS raw.{table}")
        told = state[table]["columns"]
        kinds = {
            name: registry.DUCKDB_TYPES[told[name]["type"] if name in told else FIELDS[name].type]
            for name in raw_columns(state)[RAW + table]
        }
        self._connection.execute(f"CREATE TABLE raw.{table} ({', '.join(f'{n} {k}' for n, k in kinds.items())})")


def _parents(folder: Path) -> dict[str, set[str]]:
    """What each dbt model waits for, hooks included, as dbt's own manifest has it."""
    manifest = json.loads((folder / "target" / "manifest.json").read_text(encoding="utf-8"))
    return {
        node["name"]: {
            parent.rsplit(".", 1)[1] for parent in node["depends_on"]["nodes"] if parent.startswith("model.")
        }
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
    }


_FEATURES = f"SELECT {', '.join(FeatureRow.__struct_fields__)} FROM mart.{MART}"


def _questions() -> Iterator[tuple[Part, tuple[str, tuple[str, ...]]]]:
    import apps.streamlit.reads as folder
    from apps.streamlit.reads.question import Question

    for module_info in pkgutil.iter_modules(folder.__path__):
        module = importlib.import_module(f"apps.streamlit.reads.{module_info.name}")
        for name, value in vars(module).items():
            if isinstance(value, Question) and "{" not in value.sql:
                yield ("page", f"apps/streamlit/reads/{module_info.name}.py:{name}"), (value.sql, tuple(value.shape))


# formats --------------------------------------------------------------------------------------


class Files:
    """A file of each format and contract, written before the change."""

    def __init__(self, folder: Path, contracts: Sequence[str]) -> None:
        self._folder = folder
        self._files: dict[tuple[str, str], Path] = {}
        for name, source_format in source_formats().items():
            for contract in set(contracts) & set(source_format.CONTRACTS):
                file = folder / f"{name}-{contract}.{name.rpartition('_')[2]}"
                file.write_bytes(source_format.sample(contract=contract, row_count=4, seed=5))
                if not self._refused(name, contract, file):
                    self._files[name, contract] = file

    def broken(self, mutation: Mutation) -> set[Part]:
        """Formats whose file of yesterday has rows that the changed contract refuses."""
        with registry_as(mutation.state, mutation.table):
            return {
                ("format", name)
                for (name, contract), file in self._files.items()
                if contract == mutation.table and self._refused(name, contract, file)
            }

    def _refused(self, name: str, contract: str, file: Path) -> bool:
        origin = BatchOrigin(
            batch_id="b" * 64,
            batch_seq=1,
            source="before",
            source_format=name,
            file_name=file.name,
            region="ae-dubai",
            ingested_at=dt.datetime(2026, 10, 1, tzinfo=dt.UTC),
        )
        source = SourceFile(path=file, contract=contract, max_line_bytes=2**20)
        try:
            staged = stage_file(source, origin, folders=self._folder / "staged", book=default_book())
        except (PolarsError, AuroraError, KeyError):
            return True  # ingest itself needs the column
        return any(part.quarantined_count for part in staged.parts if part.contract == contract)


@contextmanager
def registry_as(state: State, table: str) -> Iterator[None]:
    """The registry with one table as `state` has it: the real gate reads it, nothing of it is replaced."""
    fields: dict[str, Field] = gc.get_referents(FIELDS)[0]
    tables: dict[str, Table] = gc.get_referents(registry.tables())[0]
    old_fields, old_tables = copy.copy(fields), copy.copy(tables)
    told = state[table]
    try:
        for name, about in told["columns"].items():
            fields[name] = _field(name, about)
        tables[table] = _table(tables[table], told)
        _forget()
        yield
    finally:
        for held, before in ((fields, old_fields), (tables, old_tables)):
            held.clear()
            held.update(before)  # type: ignore[arg-type]
        _forget()


def _field(name: str, about: Mapping[str, Any]) -> Field:
    checks = tuple(
        Check(rule=rule, value=tuple(value) if isinstance(value, list) else value)
        for rule, value in about["checks"].items()
    )
    told = {key: about[key] for key in ("type", "meaning", "unit", "privacy", "residency", "protection", "token_of")}
    return Field(name=name, checks=checks, **told)


def _table(declared: Table, told: Mapping[str, Any]) -> Table:
    columns = told["columns"]
    renamed = declared.versioned_by if declared.versioned_by in columns else None
    return Table(
        name=declared.name,
        meaning=declared.meaning,
        grain=declared.grain,
        key=tuple(name for name in told["key"] if name in columns) or (next(iter(columns)),),
        columns=tuple(columns),
        optional=frozenset(name for name, about in columns.items() if not about["is_required"]),
        owner=declared.owner,
        retention_days=declared.retention_days,
        versioned_by=renamed,
        is_ingested=declared.is_ingested,
    )


def _forget() -> None:
    """Empty what ingest has derived from the registry; `registry.tables` itself is the one that was changed."""
    for name, module in list(sys.modules.items()):
        if name.startswith("aurora.ingest") and module is not None:
            for value in vars(module).values():
                if callable(getattr(value, "cache_clear", None)) and value is not source_formats:
                    value.cache_clear()

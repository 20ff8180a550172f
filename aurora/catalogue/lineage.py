"""Column-level lineage of the dbt project: what each dbt model reads, and which columns its own come from.

Each dbt model is compiled against the columns of what it is made from, down to the contracts. The same
compilation against changed contracts says what could no longer be built: `Lineage.stopped`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from aurora.catalogue.dbt_sql import RAW, DbtModel, read_models
from contracts.table import BATCH_COLUMNS

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

Column = tuple[str, str]
"""Relation and column; raw tables are called `raw__<table>`."""

Columns = Mapping[str, tuple[str, ...]]
"""Columns of each relation, in order."""

_DIALECT: Final = "duckdb"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """One dbt model, read column by column."""

    outputs: Mapping[str, frozenset[Column]]
    """Each column it gives, and the columns of its parents that the values come from."""
    rows: frozenset[Column]
    """Columns of its parents that decide which rows there are: joins, filters, groups."""
    worked: frozenset[Column] = frozenset()
    """Columns of its parents that it computes with: of another type they may not fit."""


class CannotCompileError(ValueError):
    """The SQL names a column that is not there, or is not SQL that is understood."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """The dbt project over one state of the contracts."""

    models: Mapping[str, DbtModel]
    """In an order in which each comes behind its parents."""
    compiled: Mapping[str, Compiled]
    columns: Columns
    """Of every relation, raw tables included."""
    trees: Mapping[str, exp.Expr]
    unread: frozenset[str] = frozenset()
    """Dbt models whose SQL is not understood: taken to read everything of what they are made from."""

    def below(self, relations: Iterable[str]) -> list[str]:
        """Dbt models made from these relations, directly or not, in order."""
        reached = set(relations)
        found = []
        for name, model in self.models.items():
            if model.parents & reached:
                reached.add(name)
                found.append(name)
        return found

    def affected(self, columns: Iterable[Column]) -> dict[str, frozenset[str]]:
        """Columns of each dbt model that come from these columns; all of them where rows are chosen by one."""
        hit: dict[str, set[str]] = {}
        for relation, column in columns:
            hit.setdefault(relation, set()).add(column)
        found: dict[str, frozenset[str]] = {}
        for name, model in self.models.items():
            if not model.parents & hit.keys():
                continue
            compiled = self.compiled[name]
            if any(_is_hit(hit, one) for one in compiled.rows | model.macro_reads):
                changed = set(compiled.outputs)
            else:
                changed = {
                    out for out, origins in compiled.outputs.items() if any(_is_hit(hit, one) for one in origins)
                }
            if changed:
                hit[name] = changed
                found[name] = frozenset(changed)
        return found

    def worked_with(self, affected: Mapping[str, frozenset[str]], columns: Iterable[Column]) -> list[str]:
        """Dbt models that compute with one of these columns, or with one that comes from them."""
        hit = {relation: set(names) for relation, names in affected.items()}
        for relation, column in columns:
            hit.setdefault(relation, set()).add(column)
        return [name for name, one in self.compiled.items() if any(_is_hit(hit, column) for column in one.worked)]

    def stopped(self, raw: Columns) -> list[str]:
        """Dbt models that could not be built over raw tables of these columns, in order.

        What is made from one that cannot be built cannot be built either.
        """
        changed = [table for table in {*raw, *self._raw()} if raw.get(table) != self.columns.get(table)]
        columns = {**self.columns, **raw}
        for table in changed:
            if table not in raw:
                columns.pop(table)
        gone = {table for table in changed if table not in raw}
        stopped: list[str] = []
        for name in self.below(changed):
            model = self.models[name]
            if model.parents & (gone | {*stopped}) or name in self.unread or _macro_lacks(model, columns):
                stopped.append(name)
                continue
            try:
                columns[name] = tuple(_compile(self.trees[name], model, columns).outputs)
            except CannotCompileError:
                stopped.append(name)
        return stopped

    def _raw(self) -> list[str]:
        return [relation for relation in self.columns if relation.startswith(RAW)]


def raw_columns(state: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Columns of every raw table as stored, from a state of the contracts (`contracts.evolution`)."""
    return {
        RAW + name: (*told["columns"], *(BATCH_COLUMNS if told["is_ingested"] else ())) for name, told in state.items()
    }


def read_lineage(raw: Columns, models: Mapping[str, DbtModel] | None = None) -> Lineage:
    """The project compiled over raw tables of these columns."""
    models = read_models() if models is None else models
    columns = dict(raw)
    compiled: dict[str, Compiled] = {}
    trees: dict[str, exp.Expr] = {}
    unread: set[str] = set()
    for name, model in models.items():
        try:
            trees[name] = _tree(model)
            compiled[name] = _compile(trees[name], model, columns)
        except CannotCompileError:
            unread.add(name)
            compiled[name] = _reads_everything(model, columns)
        columns[name] = tuple(compiled[name].outputs)
    return Lineage(models, compiled, columns, trees, frozenset(unread))


def _reads_everything(model: DbtModel, columns: Columns) -> Compiled:
    """What is said of SQL that is not understood: every column decides its rows, and what it gives is not known."""
    every = frozenset((parent, column) for parent in model.parents for column in columns.get(parent, ()))
    return Compiled(outputs={"*": frozenset()}, rows=every, worked=every)


def _is_hit(hit: Mapping[str, set[str]], column: Column) -> bool:
    return column[1] in hit.get(column[0], ())


def _macro_lacks(model: DbtModel, columns: Columns) -> bool:
    return any(relation in columns and column not in columns[relation] for relation, column in model.macro_reads)


# compiling one dbt model ----------------------------------------------------------------------


def _tree(model: DbtModel) -> Any:
    _, sqlglot = _sqlglot()
    try:
        return sqlglot.parse_one(model.sql, dialect=_DIALECT)
    except sqlglot.errors.SqlglotError as error:
        raise CannotCompileError(f"{model.name} is not SQL that is understood: {error}") from error


def _compile(tree: exp.Expr, model: DbtModel, columns: Columns) -> Compiled:
    _, sqlglot = _sqlglot()
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    schema: dict[str, object] = {
        parent: dict.fromkeys(columns[parent], "text") for parent in model.parents if parent in columns
    }
    schema[model.name] = dict.fromkeys(columns.get(model.name) or _own_columns(tree) or ["nothing"], "text")
    try:
        root = build_scope(
            qualify(tree.copy(), schema=schema, dialect=_DIALECT, quote_identifiers=False, identify=False)
        )
    except sqlglot.errors.SqlglotError as error:
        raise CannotCompileError(f"{model.name}: {error}") from error
    if root is None:
        raise CannotCompileError(f"{model.name} is not a query.")
    reader = _Reader(own=model.name)
    outputs, rows = reader.read(root)
    return Compiled(outputs=outputs, rows=rows, worked=frozenset(reader.worked))


def _own_columns(tree: exp.Expr) -> list[str]:
    """Columns that a dbt model reads of itself (`this`) have to be among those it gives: any name will do."""
    exp, _ = _sqlglot()
    return sorted({column.name for column in tree.find_all(exp.Column)} - {"*"})


class _Reader:
    """Reads a qualified query from the inside out. Each scope is read once."""

    def __init__(self, *, own: str) -> None:
        self._own = own
        self.worked: set[Column] = set()
        self._read: dict[int, tuple[dict[str, frozenset[Column]], frozenset[Column]]] = {}

    def read(self, scope: Scope) -> tuple[dict[str, frozenset[Column]], frozenset[Column]]:
        """Origins of each column the scope gives, and of its rows."""
        known = self._read.get(id(scope))
        if known is None:
            known = self._union(scope) if scope.set_operation_scopes else self._select(scope)
            self._read[id(scope)] = known
        return known

    def _union(self, scope: Scope) -> tuple[dict[str, frozenset[Column]], frozenset[Column]]:
        parts = [self.read(part) for part in scope.set_operation_scopes]
        names = list(parts[0][0])
        self.worked |= {column for outputs, _ in parts for origins in outputs.values() for column in origins}
        merged = {
            name: frozenset().union(*(list(outputs.values())[place] for outputs, _ in parts))
            for place, name in enumerate(names)
        }
        return merged, frozenset().union(*(rows for _, rows in parts))

    def _select(self, scope: Scope) -> tuple[dict[str, frozenset[Column]], frozenset[Column]]:
        exp, _ = _sqlglot()
        rows = frozenset[Column]()
        from sqlglot.optimizer.scope import Scope as ScopeType

        for source in scope.sources.values():
            if isinstance(source, ScopeType):
                rows |= self.read(source)[1]
        outputs: dict[str, frozenset[Column]] = {}
        inside: set[int] = set()
        select: Any = scope.expression
        for projection in select.selects:
            found = list(projection.find_all(exp.Column))
            inside |= {id(column) for column in found}
            outputs[projection.alias_or_name] = origins = self._origins(scope, found)
            if not isinstance(projection.unalias(), exp.Column):
                self.worked |= origins
        deciding = [column for column in scope.columns if id(column) not in inside]
        for part in scope.subquery_scopes:
            values, filters = self.read(part)
            rows |= filters.union(*values.values())
        decided = self._origins(scope, deciding)
        self.worked |= decided
        return outputs, rows | decided

    def _origins(self, scope: Scope, columns: Iterable[exp.Column]) -> frozenset[Column]:
        exp, _ = _sqlglot()
        found: set[Column] = set()
        for column in columns:
            source = _source(scope, column.table)
            if source is None:
                continue
            if isinstance(source, exp.Table):
                if source.name != self._own:
                    found.add((source.name, column.name))
            else:
                found |= self.read(source)[0].get(column.name, frozenset())
        return frozenset(found)


def _source(scope: Scope | None, table: str) -> Any:
    while scope is not None:
        if table in scope.sources:
            return scope.sources[table]
        scope = scope.parent
    return None


@cache
def _sqlglot() -> tuple[Any, Any]:
    with warnings.catch_warnings():  # an optional accelerator of sqlglot warns of its own age when imported
        warnings.simplefilter("ignore", DeprecationWarning)
        import sqlglot
        import sqlglot.errors
        from sqlglot import exp
    return exp, sqlglot

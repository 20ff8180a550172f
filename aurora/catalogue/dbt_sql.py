"""The dbt project's SQL without dbt: each dbt model as SQL that a parser reads, and what its macros read besides.

dbt takes 5 s to parse the project and knows relations, not columns. Nothing is executed here: Jinja is replaced by
what it stands for in terms of columns. A macro becomes a function of the columns it is given; both branches of a
condition are kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Final

from aurora.settings import PROJECT_DIR

DBT_PROJECT: Final = PROJECT_DIR / "dbt_project"
KPI_TABLE: Final = "kpi_values"
RAW: Final = "raw__"
"""What raw tables are called in the SQL: `raw__usage`."""

_COMMENT: Final = re.compile(r"\{#.*?#\}", re.DOTALL)
_HOOK: Final = re.compile(r'"\{\{[^"]*\}\}"')
"""A hook stands as Jinja within a text."""
_SET: Final = re.compile(r"\{%-?\s*set\s+(\w+)\s*=\s*(.*?)-?%\}", re.DOTALL)
_STATEMENT: Final = re.compile(r"\{%.*?%\}", re.DOTALL)
_EXPRESSION: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_REF: Final = re.compile(r"""\bref\(\s*['"](\w+)['"]\s*\)""")
_SOURCE: Final = re.compile(r"""\bsource\(\s*['"]raw['"]\s*,\s*['"](\w+)['"]\s*\)""")
_CALL: Final = re.compile(r"^\s*(\w+)\s*\((.*)\)\s*$", re.DOTALL)
_TEXT: Final = re.compile(r"""['"]([^'"]*)['"]""")
_NAMED: Final = re.compile(r"""\b(day|seq|at|only)\s*=\s*['"]([^'"]+)['"]""")
_WORD: Final = re.compile(r"[a-z_]\w*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class DbtModel:
    """One dbt model: its SQL in terms of `raw__<table>` and other dbt models, and where it stands."""

    name: str
    folder: str
    """Below `models/`, such as `marts/fleet`."""
    sql: str
    parents: frozenset[str]
    """Relations it is made from: dbt models, and raw tables as `raw__<table>`."""
    macro_reads: frozenset[tuple[str, str]]
    """Relation and column that a macro of it asks for."""

    @property
    def layer(self) -> str:
        """staging, intermediate or marts."""
        return self.folder.split("/", 1)[0]

    @property
    def is_kpi(self) -> bool:
        """Whether it is one KPI."""
        return self.folder == "marts/kpis"


def read_models(project: Path = DBT_PROJECT) -> Mapping[str, DbtModel]:
    """Every dbt model of the project by name, each behind those it is made from."""
    files = {file.stem: file for file in sorted((project / "models").rglob("*.sql"))}
    models = {
        name: _model(name, file.parent.relative_to(project / "models").as_posix(), file.read_text(encoding="utf-8"))
        for name, file in files.items()
    }
    order = TopologicalSorter({name: sorted(m.parents & models.keys()) for name, m in models.items()}).static_order()
    return {name: models[name] for name in order}


def _model(name: str, folder: str, text: str) -> DbtModel:
    text = _HOOK.sub('""', _COMMENT.sub(" ", text))
    parents = {*_REF.findall(text), *(RAW + table for table in _SOURCE.findall(text))}
    told = {variable: expression.strip() for variable, expression in _SET.findall(text)}
    body = _STATEMENT.sub(" ", text)
    reads = {
        (relation, word)
        for expression in [*told.values(), *_EXPRESSION.findall(body)]
        for relation, word in _macro_reads(expression)
    }
    sql = _EXPRESSION.sub(lambda found: _replaced(found[1].strip(), name, told), body)
    return DbtModel(
        name=name, folder=folder, sql=sql, parents=frozenset(parents - {name}), macro_reads=frozenset(reads)
    )


def _replaced(expression: str, name: str, told: Mapping[str, str]) -> str:
    """What a `{{ ... }}` stands for in SQL."""
    expression = told.get(expression, expression)
    if expression == "this":
        return name
    if source := _SOURCE.fullmatch(expression):
        return RAW + source[1]
    if ref := _REF.fullmatch(expression):
        return ref[1]
    call = _CALL.match(expression)
    if call is None or call[1] == "config":
        return " "
    if _REF.search(call[2]) or re.search(r"\bref\(|\bsource\(", expression):
        return _predicate(call[2])
    arguments = ", ".join(_argument(text) for text in _TEXT.findall(call[2]))
    return f"{call[1]}({arguments})"


def _predicate(arguments: str) -> str:
    """A macro that is given a relation says which rows to read: it names columns of the rows at hand."""
    named = [value for key, value in _NAMED.findall(arguments) if key in ("day", "at")]
    columns = [word for word in named if _WORD.fullmatch(word)]
    bare = _TEXT.match(arguments.strip())
    if not columns and bare and _WORD.fullmatch(bare[1]):
        columns = [bare[1]]
    return "(" + " OR ".join(f"{column} IS NULL" for column in columns) + ")" if columns else "(1 = 1)"


def _macro_reads(expression: str) -> list[tuple[str, str]]:
    """Columns that a macro reads of the relations it is given: all the words it is told."""
    call = _CALL.match(expression)
    relations = _REF.findall(expression)
    if call is None or call[1] == "config" or not relations or _REF.fullmatch(expression.strip()):
        return []
    words = [word for text in _TEXT.findall(_REF.sub(" ", call[2])) for word in _WORD.findall(text)]
    return [(relation, word) for relation in relations for word in words]


def _argument(text: str) -> str:
    """A macro's text argument: a column or an expression of columns as it is, anything else as a literal."""
    return text if re.search(r"[a-z_]", text, re.IGNORECASE) else f"'{text}'"

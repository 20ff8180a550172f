"""The dbt project's SQL without dbt: each dbt model rendered by its own macros, in terms of raw tables.

dbt takes 5 s to parse the project and knows relations, not columns. Here the project's macros run as they
are, with no database behind them; the two that ask one for the newest rows say which columns they ask for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Final

from aurora.catalogue.kpi_files import TABLE_FILE, Kpi, kpi_values_sql, read_kpis
from aurora.errors import DataError
from aurora.settings import PROJECT_DIR

DBT_PROJECT: Final = PROJECT_DIR / "dbt_project"
KPI_TABLE: Final = "kpi_values"
RAW: Final = "raw__"
"""What raw tables are called in the SQL: `raw__usage`."""

_MACRO: Final = re.compile(r"\{%-?\s*macro\s+(\w+)\s*\(.*?\{%-?\s*endmacro\s*-?%\}", re.DOTALL)
_WORD: Final = re.compile(r"[a-z_]\w*")


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
    """Relation and column that an incremental macro of it asks for."""

    @property
    def layer(self) -> str:
        """staging, intermediate or marts."""
        return self.folder.split("/", 1)[0]

    @property
    def is_kpi(self) -> bool:
        """Whether it is one KPI."""
        return self.folder == "marts/kpis"


def read_models(project: Path = DBT_PROJECT) -> Mapping[str, DbtModel]:
    """Every dbt model of the project by name, each behind those it is made from; each measured KPI is one too.

    `DataError` names a dbt model whose Jinja does not render.
    """
    renderer = Renderer(project)
    kpis = read_kpis(project)
    models = {file.stem: renderer.model(file) for file in sorted((project / "models").rglob("*.sql"))}
    models |= {kpi.kpi_id: renderer.kpi(kpi) for kpi in kpis if kpi.is_measured}
    if KPI_TABLE in models:
        text = kpi_values_sql(kpis, by_name=True)
        models[KPI_TABLE] = renderer.rendered(KPI_TABLE, TABLE_FILE.parent.relative_to("models").as_posix(), text)
    order = TopologicalSorter({name: sorted(m.parents & models.keys()) for name, m in models.items()}).static_order()
    return {name: models[name] for name in order}


class _ReturnError(Exception):
    """What a macro hands back by `return(...)`, on its way out."""

    def __init__(self, value: object) -> None:
        super().__init__()
        self.value = value


@dataclass(slots=True)
class _Rendering:
    """What one dbt model asks for while it is rendered."""

    name: str
    spell: Callable[[str], str]
    parents: set[str] = field(default_factory=set)
    reads: set[tuple[str, str]] = field(default_factory=set)

    def ref(self, name: str) -> str:
        self.parents.add(name)
        return self.spell(name)

    def source(self, _: str, table: str) -> str:
        self.parents.add(RAW + table)
        return self.spell(RAW + table)

    def in_touched_days(self, rows: str, day: str, seq: str, **more: Any) -> str:
        """The rows of days that new rows fall in: asks `rows` for its day and sequence, filters by day."""
        only = _WORD.findall(str(more.get("only") or ""))
        self.reads |= {(rows, column) for column in (day, seq, *only)}
        own = [day, *([more["at"]] if more.get("at") else [])]
        return "(" + " OR ".join(f"{column} IS NULL" for column in own) + ")"

    def after_watermark(self, seq: str, relations: Sequence[str]) -> str:
        """The rows newer than what was read before."""
        self.reads |= {(relation, seq) for relation in relations}
        return f"({seq} IS NULL)"


class Renderer:
    """The project's macros, each callable from every other, and the names that dbt gives to Jinja.

    `spell` says how a relation is called in the SQL; by its own name if nothing else is asked for.
    """

    def __init__(self, project: Path, *, spell: Callable[[str], str] = str) -> None:
        from jinja2 import Environment, StrictUndefined

        self._project = project
        self._spell = spell
        self._jinja = Environment(
            extensions=["jinja2.ext.do"],
            undefined=StrictUndefined,
            autoescape=False,  # noqa: S701 - SQL, not HTML
        )
        self._jinja.globals |= {
            "return": _hand_back,
            "config": lambda *_, **__: "",
            "is_incremental": lambda: False,
            "execute": False,
            "adapter": self,
        }
        for file in sorted((project / "macros").glob("*.sql")):
            for macro in _MACRO.finditer(file.read_text(encoding="utf-8")):
                self._jinja.globals[macro[1]] = self._macro(macro[1], macro[0])

    def dispatch(self, name: str, *_: object) -> Any:
        """The engine's own form of a macro; there is one engine here."""
        return self._jinja.globals.get(f"default__{name}") or self._jinja.globals[name]

    def _macro(self, name: str, text: str) -> Callable[..., Any]:
        template = self._jinja.from_string(text)

        def call(*args: Any, **named: Any) -> Any:
            try:
                return getattr(template.module, name)(*args, **named)
            except _ReturnError as returned:
                return returned.value

        return call

    def model(self, file: Path) -> DbtModel:
        """One dbt model, rendered."""
        folder = file.parent.relative_to(self._project / "models").as_posix()
        return self.rendered(file.stem, folder, file.read_text(encoding="utf-8"))

    def kpi(self, kpi: Kpi) -> DbtModel:
        """One measured KPI, as if it were a dbt model of its own."""
        return self.rendered(kpi.kpi_id, "marts/kpis", kpi.select)

    def rendered(self, name: str, folder: str, text: str) -> DbtModel:
        """A text of SQL with Jinja, in terms of `raw__<table>` and other dbt models."""
        from jinja2 import TemplateError

        asked = _Rendering(name, self._spell)
        names = {
            "ref": asked.ref,
            "source": asked.source,
            "this": name,
            "in_touched_days": asked.in_touched_days,
            "after_watermark": asked.after_watermark,
            "raw_snapshot_id": lambda: "0",  # of the run, not of a column
        }
        try:
            sql = self._jinja.from_string(text).render(names)
        except (TemplateError, TypeError, KeyError) as error:
            raise DataError(
                f"The SQL of {name} cannot be rendered without dbt: {error}.",
                field=name,
                rule="lineage",
                next_step="Keep to ref, source and macros of the project; see aurora/catalogue/dbt_sql.py.",
            ) from error
        return DbtModel(
            name=name,
            folder=folder,
            sql=sql,
            parents=frozenset(asked.parents - {name}),
            macro_reads=frozenset(asked.reads),
        )


def _hand_back(value: object = "") -> None:
    raise _ReturnError(value)

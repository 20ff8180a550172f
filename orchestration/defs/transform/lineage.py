"""Which tables a mart is made from, read off the dbt project's files: no dbt import, no manifest.

Parsing the project through dbt costs 5 s and this graph is loaded by every Dagster process. Only `ref`
and `source` with a literal name are used in the project, which a test holds against dbt's own manifest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Final

_REF: Final = re.compile(r"""\bref\(\s*['"](\w+)['"]\s*\)""")
KPI_AREA: Final = "kpis"
_SOURCE: Final = re.compile(r"""\bsource\(\s*['"]raw['"]\s*,\s*['"](\w+)['"]\s*\)""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mart:
    """One table of the mart and what it is made from: marts as they are, the rest down to raw."""

    name: str
    area: str
    marts: frozenset[str]
    raw_tables: frozenset[str]


def read_lineage(project: Path) -> list[Mart]:
    """The marts of a dbt project, each behind those that it is made from."""
    texts = {file.stem: file.read_text(encoding="utf-8") for file in (project / "models").rglob("*.sql")}
    folder = project / "models" / "marts"
    areas = {file.stem: KPI_AREA if file.parent == folder else file.parent.name for file in folder.rglob("*.sql")}
    found = {name: _sources(name, texts, frozenset(areas)) for name in sorted(areas)}
    order = TopologicalSorter({name: sorted(marts) for name, (marts, _) in found.items()}).static_order()
    return [Mart(name=name, area=areas[name], marts=found[name][0], raw_tables=found[name][1]) for name in order]


def _sources(name: str, texts: Mapping[str, str], marts: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Marts and raw tables behind one dbt model, seen through staging and intermediate."""
    text = texts[name]
    upstream, raw = set[str](), set(_SOURCE.findall(text))
    for other in _REF.findall(text):
        if other in marts:
            upstream.add(other)
        elif other in texts:
            further, deeper = _sources(other, texts, marts)
            upstream |= further
            raw |= deeper
    return frozenset(upstream - {name}), frozenset(raw)

"""Which tables a mart is made from, read off the dbt project's files: no dbt import, no manifest.

Parsing the project through dbt costs 5 s and this graph is loaded by every Dagster process. Only `ref`
and `source` with a literal name are used in the project, which a test holds against dbt's own manifest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_REF: Final = re.compile(r"""\bref\(\s*['"](\w+)['"]\s*\)""")
_SOURCE: Final = re.compile(r"""\bsource\(\s*['"]raw['"]\s*,\s*['"](\w+)['"]\s*\)""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mart:
    """One table of the mart and what it is made from: marts as they are, the rest down to raw."""

    name: str
    area: str
    marts: frozenset[str]
    raw_tables: frozenset[str]


def read_lineage(project: Path) -> list[Mart]:
    """The marts of a dbt project, sorted by name."""
    texts = {file.stem: file.read_text(encoding="utf-8") for file in (project / "models").rglob("*.sql")}
    marts = {file.stem: file for file in (project / "models" / "marts").rglob("*.sql")}
    return [
        Mart(name=name, area=file.parent.name, marts=found[0], raw_tables=found[1])
        for name, file in sorted(marts.items())
        for found in [_sources(name, texts, frozenset(marts))]
    ]


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

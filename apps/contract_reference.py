"""The contracts' reference pages, generated from the registry: an index, and one page a domain.

What is made from a contract is read off the dbt project, the pages and the packs, as the Contracts page does.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from aurora.catalogue.graph import as_mermaid, contract_graph, summary
from aurora.catalogue.radius import House, read_house
from aurora.catalogue.visibility import who_sees
from aurora.ingest.canonical_sample import sample_rows
from aurora.packs import load_pack
from aurora.settings import PROJECT_DIR
from contracts import registry
from contracts.evolution import described
from contracts.field import Field
from contracts.fields import FIELDS
from contracts.table import Table

FOLDER = Path("docs/reference/contracts")
_PACK = "real_estate"


@cache
def contract_pages() -> dict[Path, str]:
    """The index and the domains' pages: path below the project, and text."""
    house = read_house([load_pack(PROJECT_DIR / "packs", _PACK)], described(registry.tables()))
    return {
        FOLDER.with_suffix(".md"): _index(),
        **{FOLDER / f"{name}.md": _domain(name, tables, house) for name, tables in registry.domains().items()},
    }


def _index() -> str:
    tables = registry.tables()
    lines = [
        "# Contracts",
        "",
        f"{len(tables)} tables of {len(FIELDS)} columns: everything that sources send and that Aurora keeps of it.",
        "`aurora contract show NAME` prints one; the Contracts page shows its rows and draws its lineage;",
        "`aurora contract diff` says what a change would reach.",
        "",
        "## Who may see what",
        "",
        "| class or protection | who |",
        "|---|---|",
        *[f"| {name} | {who_sees(example)} |" for name, example in _examples()],
        "",
        "A column with residency `tenant region` never leaves the tenant's region.",
        "",
    ]
    for domain, names in registry.domains().items():
        lines += [f"## [{domain.capitalize()}](contracts/{domain}.md)", "", "| table | meaning | key | version |"]
        lines.append("|---|---|---|---|")
        lines += [
            f"| [{name}](contracts/{domain}.md#{name}) | {tables[name].meaning} | "
            f"{', '.join(f'`{key}`' for key in tables[name].key)} | {tables[name].version} |"
            for name in names
        ]
        lines.append("")
    return "\n".join(lines)


def _examples() -> list[tuple[str, Field]]:
    """A column of each class, to say the same as the page does."""
    blank = Field(name="x", type="text", meaning="")
    return [
        ("public, internal", blank),
        ("personal, sensitive", Field(name="x", type="text", meaning="", privacy="personal")),
        ("encrypted", Field(name="x", type="text", meaning="", protection="encrypt")),
        ("last four kept", Field(name="x", type="text", meaning="", protection="last4")),
    ]


def _domain(domain: str, names: tuple[str, ...], house: House) -> str:
    lines = [f"# Contracts: {domain}", "", "[All contracts](../contracts.md)", ""]
    for name in names:
        declared = registry.table(name)
        lines += [f"## {name}", "", _about(declared), "", *_lineage(declared, house), *_columns(declared)]
        lines += _sample(declared)
    return "\n".join(lines).rstrip() + "\n"


def _about(declared: Table) -> str:
    key = ", ".join(f"`{name}`" for name in declared.key)
    states = f" Every state is kept once, by `{declared.versioned_by}`." if declared.versioned_by else ""
    subject = f" About the person in `{declared.subject}`." if declared.subject else ""
    return (
        f"{declared.meaning} Grain: {declared.grain}. Key: {key}.{states}{subject} Owner: {declared.owner}. "
        f"Kept {declared.retention_days:,} days. Version {declared.version}."
    )


def _lineage(declared: Table, house: House) -> list[str]:
    graph = contract_graph(house, declared.name)
    senders = graph.names("assistant")
    lines = [f"Sent by {', '.join(senders)}." if senders else "", ""] if senders else []
    below = summary(graph, ("mart", "kpi", "feature", "page"))
    if not below:
        return [*lines, "Nothing is made from it yet.", ""]
    return [*lines, f"Made from it: {below}.", "", "```mermaid", as_mermaid(graph), "```", ""]


def _columns(declared: Table) -> list[str]:
    lines = ["| column | type | unit | required | privacy | residency | protection | meaning |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for field in declared.fields:
        required = "yes" if declared.is_required(field.name) else ""
        residency = "" if field.residency == "any" else field.residency.replace("_", " ")
        lines.append(
            f"| `{field.name}` | {field.type} | {field.unit or ''} | {required} | {field.privacy} | {residency} "
            f"| {_protection(field)} | {field.meaning} |"
        )
    return [*lines, ""]


def _protection(field: Field) -> str:
    if field.token_of:
        return f"keyed hash of `{field.token_of}`"
    return {"none": "", "encrypt": "encrypted", "last4": "last four kept"}[field.protection]


def _sample(declared: Table) -> list[str]:
    """A made-up row, as a line of an export; what ingest adds is left out."""
    if not declared.is_ingested:
        return []
    (row,) = sample_rows(declared.name, row_count=1, seed=1)
    return ["A made-up row, as a source sends it:", "", "```json", json.dumps(row, ensure_ascii=False), "```", ""]

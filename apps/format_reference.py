"""The reference page of source formats, generated from the formats' own docstrings."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import cast


def formats_page() -> str:
    """Each format: the contracts its rows are of, what it reads, and how it counts."""
    from aurora.ingest.source_formats import ANY, source_formats

    lines = [
        "# Source formats",
        "",
        "What Aurora reads, by the name that `aurora ingest --format` and `POST /api/v1/ingest` take. A file is told by what is",
        "in it, whatever it is called; `any` means that the envelope or the columns tell the contract.",
        "",
        "| format | rows of | what it is |",
        "|---|---|---|",
    ]
    formats = {name: cast("ModuleType", module) for name, module in source_formats().items()}
    for name, module in sorted(formats.items()):
        contracts = "any" if module.CONTRACTS is ANY else ", ".join(module.CONTRACTS)
        lines.append(f"| [`{name}`](#{name}) | {contracts} | {_first_sentence(module)} |")
    for name, module in sorted(formats.items()):
        lines += ["", f"## {name}", "", inspect.cleandoc(module.__doc__ or "")]
    return "\n".join(lines) + "\n"


def _first_sentence(module: ModuleType) -> str:
    """Up to the first blank line or full stop; a bar would end the cell."""
    paragraph = " ".join(inspect.cleandoc(module.__doc__ or "").split("\n\n")[0].split())
    return paragraph.split(". ")[0].removesuffix(".").replace("|", "\\|")

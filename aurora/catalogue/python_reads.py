"""What Python code reads of the lake: the tables and columns that its SQL names, read off the source.

A read is one top-level statement of a module (a question, a function) that names `raw.<table>` or
`mart.<table>`, with every word of its texts and of the constants it uses. Nothing is imported.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TABLE: Final = re.compile(r"\b(raw|mart)\.([a-z][a-z0-9_]*)\b")
_WORD: Final = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One statement that reads the lake."""

    module: str
    """Path of the file below the project."""
    name: str
    tables: frozenset[str]
    """`raw.<table>` and `mart.<table>`."""
    words: frozenset[str]
    """Words of its SQL and of the shape it expects: the columns it names are among them."""


def module_reads(file: Path, project: Path) -> list[Read]:
    """Reads of one module, with those behind the names that it uses."""
    statements = _statements(ast.parse(file.read_text(encoding="utf-8")))
    found = []
    for name in statements:
        texts = _texts(name, statements, frozenset())
        tables = frozenset(f"{layer}.{table}" for text in texts for layer, table in _TABLE.findall(text))
        if tables:
            words = frozenset(word for text in texts for word in _WORD.findall(text))
            found.append(Read(module=file.relative_to(project).as_posix(), name=name, tables=tables, words=words))
    return found


def _statements(tree: ast.Module) -> dict[str, ast.stmt]:
    found: dict[str, ast.stmt] = {}
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                found[name] = statement
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found[name] = statement
            case _:
                continue
    return found


def _texts(name: str, statements: Mapping[str, ast.stmt], seen: frozenset[str]) -> list[str]:
    """Texts of a statement and of the module's statements that it names. Docstrings say things, they read nothing."""
    statement = statements[name]
    texts = list(_constants(statement))
    texts += [node.arg for node in ast.walk(statement) if isinstance(node, ast.keyword) and node.arg]
    for other in {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)} - seen - {name}:
        if other in statements:
            texts += _texts(other, statements, seen | {name})
    return texts


def _constants(statement: ast.stmt) -> Iterator[str]:
    docs = {
        id(node.body[0].value)
        for node in ast.walk(statement)
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(statement):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


def imported_names(file: Path, package: str) -> dict[str, frozenset[str]]:
    """Names that a module takes from each module of `package`; an empty set where it takes the module whole."""
    found: dict[str, set[str]] = {}
    whole: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not node.module:
            continue
        if node.module == package:
            whole |= {f"{package}.{alias.name}" for alias in node.names}
        elif node.module.startswith(f"{package}."):
            found.setdefault(node.module, set()).update(alias.name for alias in node.names)
    return {**{name: frozenset(names) for name, names in found.items()}, **dict.fromkeys(whole, frozenset[str]())}


def page_reads(project: Path) -> dict[str, list[Read]]:
    """Reads behind each page: what it takes from `apps/streamlit/reads/`, and what it reads itself."""
    pages = project / "apps" / "streamlit"
    found = {}
    for page in sorted((pages / "app_pages").glob("*.py")):
        reads = module_reads(page, project)
        for module, names in imported_names(page, "apps.streamlit.reads").items():
            file = project / (module.replace(".", "/") + ".py")
            if file.is_file():
                reads += [read for read in module_reads(file, project) if not names or read.name in names]
        found[page.stem] = reads
    return found


def code_reads(project: Path, rooms: tuple[str, ...]) -> list[Read]:
    """Reads of the engine's rooms."""
    return [
        read
        for room in rooms
        for file in sorted((project / room).rglob("*.py"))
        for read in module_reads(file, project)
    ]

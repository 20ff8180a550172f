"""Where things may be imported from: what import-linter cannot see."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "apps" / "streamlit"
VAGUE = {"utils", "helpers", "common", "manager", "base2", "misc"}


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_the_pages_folder_cannot_be_taken_for_the_library() -> None:
    """With an __init__.py, anything that puts apps/ on the path would import our folder as `streamlit`."""
    assert list(PAGES.rglob("__init__.py")) == []
    assert (ROOT / "apps" / "__init__.py").is_file()


def test_pages_reach_the_house_by_its_own_rooms() -> None:
    """Pages know the engine and their own folder; not the API, Dagster, dbt or another door."""
    own = ("apps.streamlit", "aurora", "contracts", "ml")
    wrong = [
        f"{file.relative_to(ROOT)}: {name}"
        for file in PAGES.rglob("*.py")
        for name in _imports(file)
        if name.partition(".")[0] in {"apps", "orchestration", "benchmarks"} and not name.startswith(own)
    ]
    assert wrong == []


def test_pages_ask_for_predictions_only_when_they_need_one() -> None:
    """Inside a function, or for types alone: a page that opens must not load what learns."""
    wrong = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in PAGES.rglob("*.py")
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Import | ast.ImportFrom) and "ml" in _rooms(node)
    ]
    assert wrong == []


def _rooms(node: ast.Import | ast.ImportFrom) -> set[str]:
    names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
    return {name.partition(".")[0] for name in names}


def test_pages_open_no_database() -> None:
    wrong = [
        f"{file.relative_to(ROOT)}: {name}"
        for file in PAGES.rglob("*.py")
        for name in _imports(file)
        if name.partition(".")[0] in {"duckdb", "sqlite3", "mlflow", "sklearn", "dagster", "dbt"}
    ]
    assert wrong == []


def test_only_tracking_knows_mlflow() -> None:
    knowing = {
        str(file.relative_to(ROOT))
        for room in ("ml", "aurora", "apps", "orchestration", "contracts", "twin")
        for file in (ROOT / room).rglob("*.py")
        if any(name.partition(".")[0] == "mlflow" for name in _imports(file))
    }
    assert knowing == {"ml/tracking.py"}


def test_only_the_store_opens_a_database() -> None:
    opening = {
        str(file.relative_to(ROOT))
        for room in ("ml", "aurora", "apps", "orchestration", "contracts", "twin")
        for file in (ROOT / room).rglob("*.py")
        if any(name.partition(".")[0] in {"duckdb", "sqlite3"} for name in _imports(file))
    }
    assert {name for name in opening if not name.startswith("aurora/store/")} == set()


def test_test_folders_are_no_packages() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    rooms = ("apps", "aurora", "contracts", "ml", "orchestration", "benchmarks", "twin")
    assert [file for room in rooms for file in (ROOT / room).rglob("*.py") if file.stem in VAGUE] == []


def test_tests_do_not_patch_our_own_code() -> None:
    patching = [
        file.relative_to(ROOT)
        for file in (ROOT / "tests").rglob("*.py")
        if any(name in {"mock", "unittest.mock"} for name in _imports(file))
    ]
    assert patching == []


@pytest.mark.parametrize("module", ["apps.cli", "aurora.settings", "aurora.decisions.engine", "apps.server"])
def test_what_starts_first_imports_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    heavy = {"mlflow", "sklearn", "dbt", "dagster", "lancedb", "pandera"}
    assert not heavy & {name.partition(".")[0] for name in loaded.split()}

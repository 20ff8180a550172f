"""The lock is hashed, names no host, and keeps DuckDB and its extensions in one version."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PINS = dict(re.findall(r"^([a-z0-9.\-]+)(?:\[[a-z,]+\])?==([^\s;\\]+)", LOCK, re.MULTILINE))


def test_the_lock_names_no_host() -> None:
    assert "://" not in LOCK
    assert "index" not in LOCK


def test_every_locked_package_has_a_hash() -> None:
    entries = re.split(r"\n(?=[a-z0-9])", LOCK.strip())
    assert len(entries) > 100
    assert [entry.split("==")[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_duckdb_and_its_extensions_are_one_version() -> None:
    versions = {name: version for name, version in PINS.items() if name.startswith("duckdb")}
    assert len(versions) == 5
    assert set(versions.values()) == {"1.5.5"}


def test_packages_that_must_not_come_in_are_absent() -> None:
    assert not {"litellm", "obp", "streamlit-flow-component", "pm4py"} & set(PINS)
    assert PINS["dbt-core"].startswith("1.11.")


def test_every_declared_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    names = {re.match(r"[A-Za-z0-9.\-]+", line)[0].lower() for line in declared}  # type: ignore[index]
    assert names <= set(PINS)

"""The dbt source declaration of the raw lake, written from the contracts (`aurora contract sync`)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import yaml

from contracts import registry
from orchestration.dbt_runner import DBT_PROJECT_DIR

SOURCES_FILE: Final = DBT_PROJECT_DIR / "models" / "staging" / "raw" / "_raw__sources.yml"


def sources_yml() -> str:
    """Text of the source declaration, as the contracts say it should be."""
    return yaml.safe_dump(registry.dbt_sources(), sort_keys=False, allow_unicode=True, width=120)


def write_sources(file: Path = SOURCES_FILE) -> bool:
    """Bring the file up to the contracts; True when that changed it."""
    fresh = sources_yml()
    if file.exists() and file.read_text(encoding="utf-8") == fresh:
        return False
    file.write_text(fresh, encoding="utf-8")
    return True

"""The columns: each one declared once, with type, unit, meaning, privacy and residency class.

A table (`contracts.tables`) is a list of these names. A quantity has one name in every table. A module in
`contracts/columns/` with a `COLUMNS` tuple is its registration.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from types import MappingProxyType

import contracts.columns
from contracts.field import Field


def _declared() -> Iterable[Field]:
    for module_info in pkgutil.iter_modules(contracts.columns.__path__):
        yield from importlib.import_module(f"contracts.columns.{module_info.name}").COLUMNS


def _index(declared: tuple[Field, ...]) -> Mapping[str, Field]:
    index = {field.name: field for field in declared}
    if len(index) != len(declared):
        names = [field.name for field in declared]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"Fields declared twice: {', '.join(twice)}. Keep one declaration each.")
    for field in declared:
        if field.token_of and index[field.token_of].type != "text":
            raise ValueError(f"{field.name} is the token of {field.token_of}, which is not text. Only text has tokens.")
    return MappingProxyType(index)


FIELDS: Mapping[str, Field] = _index(tuple(_declared()))
"""Every declared column by name."""

"""Files of a pack, read strictly: what does not fit is named by file and field.

A file that says no more than `from: shared` stands for the one at the same place in `packs/_shared`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import yaml

from aurora.errors import DataError

SHARED: Final = "_shared"
"""Folder of the declarations that packs have in common. It is no pack: it holds no pack.yaml."""
_BY_REFERENCE: Final = {"from": "shared"}
_CORRECT: Final = "Correct the file; `aurora pack check` names every fault of its pack."
T = TypeVar("T")


class PackError(DataError):
    """A declaration that does not fit. `file` is where it stands."""

    def __init__(self, message: str, *, file: Path, field: str, rule: str, next_step: str) -> None:
        super().__init__(message, field=field, rule=rule, next_step=next_step)
        self.file = file


def read_declared(file: Path, kind: type[T]) -> T:
    """One file of a pack, checked; `PackError` names the file and field that is wrong."""
    raw = _read(file)
    if raw == _BY_REFERENCE:
        file = _shared(file)
        raw = _read(file)
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `")
        field = where.rstrip("`").removeprefix("$.").removeprefix("$")
        raise wrong(file, field, f"does not fit: {message}") from error


def declared_file(file: Path) -> Path:
    """Where the declaration of a pack's `file` stands: in the file itself, or in the one it refers to."""
    return _shared(file) if _read(file) == _BY_REFERENCE else file


def _shared(file: Path) -> Path:
    folder = next((one for one in file.parents if (one / "pack.yaml").is_file()), file.parent)
    return folder.parent / SHARED / file.relative_to(folder)


def wrong(file: Path, field: str, problem: str, *, rule: str = "pack", next_step: str | None = None) -> PackError:
    """What to raise when `field` of `file` does not fit."""
    place = f"{file.parent.parent.name}/{file.parent.name}/{file.name}"
    subject = f"{place}, field {field}," if field else place
    return PackError(
        f"{subject} {problem}.", file=file, field=field or place, rule=rule, next_step=next_step or _CORRECT
    )


def _read(file: Path) -> Any:
    try:
        # S506: _StrictLoader is a SafeLoader
        return yaml.load(file.read_text(encoding="utf-8"), Loader=_StrictLoader)  # noqa: S506
    except FileNotFoundError:
        raise wrong(file, "", "is missing", rule="present", next_step="Add the file; a shipped pack has one.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise wrong(file, "", f"is not readable as YAML: {error}", rule="yaml") from error


class _StrictLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML in which a key may stand only once; PyYAML silently keeps the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        keys: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in keys:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            keys.add(key)
        found: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return found

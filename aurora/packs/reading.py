"""Files of a pack, read strictly: what does not fit is named by file and field."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from aurora.errors import DataError

T = TypeVar("T")


def read_declared(file: Path, kind: type[T]) -> T:
    """One file of a pack, checked; `DataError` names the file and field that is wrong."""
    try:
        # S506: _StrictLoader is a SafeLoader
        raw = yaml.load(file.read_text(encoding="utf-8"), Loader=_StrictLoader)  # noqa: S506
        return msgspec.convert(raw, kind)
    except FileNotFoundError:
        raise wrong(file, "", "is missing") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise wrong(file, "", f"is not readable as YAML: {error}") from error
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `")
        field = where.rstrip("`").removeprefix("$.").removeprefix("$")
        raise wrong(file, field, f"does not fit: {message}") from error


def wrong(file: Path, field: str, problem: str) -> DataError:
    """What to raise when `field` of `file` does not fit."""
    place = f"{file.parent.parent.name}/{file.parent.name}/{file.name}"
    subject = f"{place}, field {field}," if field else place
    return DataError(
        f"{subject} {problem}.",
        field=field or place,
        rule="pack",
        next_step="Correct the file and load the pack again.",
    )


class _StrictLoader(yaml.SafeLoader):
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
        return super().construct_mapping(node, deep=deep)

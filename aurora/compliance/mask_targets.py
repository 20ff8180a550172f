"""Which values of the lake a rule's mask is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aurora.store.lake import LakeReader
from contracts import registry
from contracts.messages.compliance import Remedy

_PERSONAL: Final = ("personal", "sensitive")


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskTarget:
    """Columns of a contract: of one record, or of all records when `about_id` is None."""

    contract: str
    columns: tuple[str, ...]
    about_id: str | None
    record_source: str | None


def mask_target(lake: LakeReader, remedy: Remedy) -> MaskTarget | str:
    """What to mask, or why a person must do it.

    A `field` names a column of a data set, a `scan_hit` a value somewhere else; any other record is masked itself,
    in its columns with personal values.
    """
    match remedy.about_contract:
        case "field":
            return _of_field(lake, remedy)
        case "scan_hit":
            return _of_scan_hit(lake, remedy)
        case contract:
            return _checked(contract, _personal_columns(contract), remedy.about_id, remedy.record_source)


def _of_field(lake: LakeReader, remedy: Remedy) -> MaskTarget | str:
    dataset_id, _, column = remedy.about_id.partition("|")
    found = lake.query(
        "SELECT contract FROM raw.dataset WHERE dataset_id = ? ORDER BY updated_at DESC LIMIT 1", [dataset_id]
    )
    contract = found["contract"].item() if found.height else None
    return _checked(contract, (column,), None, None, where=f"data set {dataset_id}")


def _of_scan_hit(lake: LakeReader, remedy: Remedy) -> MaskTarget | str:
    found = lake.query(
        "SELECT contract, column_name, row_key FROM raw.scan_hit WHERE scan_hit_id = ? AND source = ? LIMIT 1",
        [remedy.about_id, remedy.record_source],
    )
    if found.is_empty():
        return "The scan's record is not in the lake any more."
    contract, column, row_key = found.row(0)
    if column is None or row_key is None:
        return f"The scan does not say which value of {contract} it found: a person must look."
    return _checked(contract, (column,), row_key, None)


def _personal_columns(contract: str) -> tuple[str, ...]:
    """What says something of a person. Ids stay: without them nobody could tell whom the finding is about."""
    return tuple(
        field.name
        for field in registry.table(contract).fields
        if field.privacy in _PERSONAL and field.type == "text" and not field.checks and not field.name.endswith("_id")
    )


def _checked(
    contract: str | None, columns: tuple[str, ...], about_id: str | None, source: str | None, *, where: str = ""
) -> MaskTarget | str:
    if contract is None or contract not in registry.tables():
        return f"The values of {where or contract} rest outside this lake: a person must mask them there."
    table = registry.table(contract)
    fields = {field.name: field for field in table.fields}
    if not columns:
        return f"The lake holds no personal value of this {contract}: a person must mask it where it is shown."
    for name in columns:
        if name not in fields:
            return f"{contract} has no column {name} in this lake: a person must mask it where it rests."
        if name in table.key or fields[name].type != "text" or fields[name].checks:
            return f"{contract}.{name} cannot hold a masked value without breaking its contract: a person must decide."
    return MaskTarget(contract=contract, columns=columns, about_id=about_id, record_source=source)

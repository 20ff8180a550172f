"""Whether exports hold what happened: rows by their contract, none lost or doubled over the pages."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from aurora.assistants.kit.check import Fault, Skip, check
from aurora.assistants.kit.command_checks import taken
from aurora.assistants.kit.probe import Answer
from aurora.assistants.kit.visit import Visit
from aurora.errors import DataError
from aurora.ingest import envelope
from aurora.packs import PROTOCOL_EXPORTS

_SECTION: Final = "Exports"
_ENOUGH: Final = 3
"""Rows that it takes to look at pages."""
_REFERENCE: Final = 60
"""Rows of the page that smaller ones are held against."""
_MAX_PAGES: Final = 200
_TASK: Final = "task"
_NEXT: Final = "aurora-next-cursor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of an export."""

    rows: list[dict[str, Any]]
    cursor: str | None


@check("export_contract", "every export has an envelope and rows that keep their contract", section=_SECTION)
def export_contract(visit: Visit) -> None:
    """The contracts that every assistant exports, through the gate that ingest has."""
    for contract in (*PROTOCOL_EXPORTS, *visit.options.contracts):
        page = read_page(visit, contract, None, 1000)
        if page.rows:
            _through_the_gate(visit, contract, page.rows)


@check(
    "export_work",
    "what was done stands in the export of task, once",
    section=_SECTION,
    needs=("export_contract", "work"),
)
def export_work(visit: Visit) -> None:
    """The task of `work`: one id, and a state that is the last."""
    assert visit.work is not None  # noqa: S101 - work passed
    task_id = visit.work["task_id"]
    cursor, states = None, []
    for _ in range(_MAX_PAGES):
        page = read_page(visit, _TASK, cursor, 1000)
        states += [row.get("task_state") for row in page.rows if row.get("task_id") == task_id]
        if not page.rows or page.cursor in (None, cursor):
            break
        cursor = page.cursor
    final = [one for one in states if one in ("completed", "failed", "canceled", "rejected")]
    if len(final) != 1:
        raise Fault(
            f"one row of task {task_id} in its last state",
            f"{len(final)} such rows, states {states}",
            "Write a row of task whenever a task comes to a state, under the task_id of the command.",
        )


@check("export_pages", "a page has no more rows than the limit", section=_SECTION, needs=("export_contract",))
def export_pages(visit: Visit) -> None:
    """By the export that has the most rows."""
    contract, reference = _reference(visit)
    page = read_page(visit, contract, None, 2)
    if len(page.rows) > 2:
        raise Fault("at most 2 rows for limit=2", f"{len(page.rows)} rows", "Keep the limit that is asked for.")
    if len(reference) > 2 and page.cursor is None:
        raise Fault("a cursor where more rows follow", "no cursor", "Give the place where the next page begins.")


@check("export_whole", "no row is lost between pages", section=_SECTION, needs=("export_pages",))
def export_whole(visit: Visit) -> None:
    """Small pages hold every row of a large one."""
    contract, reference = _reference(visit)
    seen = [_text(row) for row in _in_small_pages(visit, contract, len(reference))]
    lost = [row for row in map(_text, reference) if row not in set(seen)]
    if lost:
        raise Fault(
            f"all {len(reference)} rows of {contract}",
            f"{len(lost)} are missing, the first is {lost[0][:200]}",
            "Begin a page where the one before ended.",
        )


@check("export_once", "no row comes twice", section=_SECTION, needs=("export_pages",))
def export_once(visit: Visit) -> None:
    """Neither within a page nor over the seam of two."""
    contract, reference = _reference(visit)
    seen = [_text(row) for row in _in_small_pages(visit, contract, len(reference))]
    doubled = [row for place, row in enumerate(seen) if row in seen[:place]]
    if doubled:
        raise Fault(
            "each row once",
            f"{len(doubled)} came again, the first is {doubled[0][:200]}",
            "Let the cursor move past every row of the page.",
        )


@check("export_same_page", "the same cursor gives the same page", section=_SECTION, needs=("export_pages",))
def export_same_page(visit: Visit) -> None:
    """A pull that was cut off asks again; rows that came since may follow, none may be missing."""
    contract, _ = _reference(visit)
    cursor = read_page(visit, contract, None, 1).cursor
    first, again = (read_page(visit, contract, cursor, 2).rows for _ in range(2))
    if again[: len(first)] != first:
        raise Fault(
            f"the rows of cursor {cursor!r} again",
            f"{_text(again[0])[:200] if again else 'no rows'}",
            "Keep rows after they were read: forget them when a later cursor comes.",
        )


@check("export_unknown", "404 for a contract that it does not export", section=_SECTION)
def export_unknown(visit: Visit) -> None:
    """Not an empty export: that would say that nothing happened."""
    answer = visit.probe.get(visit.probe.api("export/no_such_contract"))
    if answer.status != HTTPStatus.NOT_FOUND:
        raise Fault("404", answer.words, "Answer 404 for contracts that you do not export.")


def read_page(visit: Visit, contract: str, cursor: str | None, limit: int) -> Page:
    """One page. Errors: `Fault` names what of answer or envelope does not fit."""
    asked = {"limit": str(limit)} if cursor is None else {"cursor": cursor, "limit": str(limit)}
    answer = visit.probe.get(visit.probe.api(f"export/{contract}?{urlencode(asked)}"))
    if answer.status != HTTPStatus.OK:
        raise Fault(f"200 for the export of {contract}", answer.words, "Export every contract that all assistants do.")
    try:
        head, rows = _parsed(answer)
        said = envelope.parse(head)
    except (DataError, msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise Fault(
            f"an export of {contract} with its envelope, as NDJSON or JSON",
            f"{error} in {answer.words}",
            "Send the envelope first, then the rows: docs/how-to/export-with-an-envelope.md.",
        ) from None
    if said.contract != contract or said.assistant_id != visit.probe.assistant_id:
        raise Fault(
            f"an envelope of {visit.probe.assistant_id} for {contract}",
            f"one of {said.assistant_id} for {said.contract}",
            "Name oneself and the contract that was asked for.",
        )
    if said.row_count is not None and said.row_count != len(rows):
        raise Fault(f"{said.row_count} rows, as promised", f"{len(rows)} rows", "Count the rows of this page.")
    return Page(rows=rows, cursor=answer.headers.get(_NEXT, said.cursor))


def _parsed(answer: Answer) -> tuple[Any, list[dict[str, Any]]]:
    """Envelope and rows of NDJSON or of one JSON document."""
    if answer.content_type == "application/json":
        document = msgspec.json.decode(answer.body, type=dict[str, Any])
        return document[envelope.KEY], msgspec.convert(document["rows"], list[dict[str, Any]])
    lines = msgspec.json.Decoder(dict[str, Any]).decode_lines(answer.body)
    return lines[0][envelope.KEY] if lines else {}, lines[1:]


def _through_the_gate(visit: Visit, contract: str, rows: list[dict[str, Any]]) -> None:
    import polars as pl

    from aurora.ingest.completion import Completion
    from aurora.ingest.judging import judged
    from aurora.ingest.portions import ROW
    from contracts import registry

    declared = registry.table(contract)
    unknown = sorted({name for row in rows for name in row} - set(declared.columns))
    if unknown:
        raise Fault(
            f"columns of {contract}", f"the column {unknown[0]}", f"`aurora contract show {contract}` lists them."
        )
    columns: dict[str, Any] = {
        name: [_cell(row.get(name)) for row in rows] for name in declared.columns if any(name in row for row in rows)
    }
    read = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String())).with_columns(
        pl.int_range(1, len(rows) + 1, dtype=pl.UInt32).alias(ROW)
    )
    completion = Completion(declared, visit.probe.assistant_id, "kit", "ae-dubai")
    _, refused = judged(read, declared, completion)
    if refused.height:
        first = refused.row(0, named=True)
        raise Fault(
            f"rows that keep the contract {contract}",
            f"row {first[ROW]}: {first['reason']} ({refused.height} faults in {len(rows)} rows)",
            f"Write the column {first['column_name']} as the contract says.",
        )


def _cell(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return msgspec.json.encode(value).decode()


def _reference(visit: Visit) -> tuple[str, list[dict[str, Any]]]:
    """The export with the most rows, and its first ones. Errors: `Skip` where none has three, even after some work."""
    for _ in range(_ENOUGH):
        found = {name: read_page(visit, name, None, _REFERENCE).rows for name in PROTOCOL_EXPORTS}
        contract = max(found, key=lambda name: len(found[name]))
        if len(found[contract]) >= _ENOUGH:
            return contract, found[contract]
        if visit.task_type is None:
            break
        command = visit.task_command()
        if taken(visit, command).status == HTTPStatus.ACCEPTED:
            visit.finished(command["command_id"])
    raise Skip("no export has three rows yet; try again after some work.")


def _in_small_pages(visit: Visit, contract: str, count: int) -> list[dict[str, Any]]:
    """Rows in pages of two, until `count` different ones came. Errors: `Fault` where the cursor stands still."""
    rows: list[dict[str, Any]] = []
    different: set[str] = set()
    cursor = None
    for _ in range(2 * count):
        page = read_page(visit, contract, cursor, 2)
        if page.rows and page.cursor == cursor:
            raise Fault("a cursor that moves on", f"{cursor!r} again", "Give the place after the last row of the page.")
        rows += page.rows
        different.update(map(_text, page.rows))
        if not page.rows or page.cursor is None or len(different) >= count:
            break
        cursor = page.cursor
    return rows


def _text(row: dict[str, Any]) -> str:
    return msgspec.json.encode(row, order="deterministic").decode()


CHECKS: Final = (
    export_contract,
    export_work,
    export_pages,
    export_whole,
    export_once,
    export_same_page,
    export_unknown,
)

"""A draft as a file: goAML XML, PDF, HTML or JSON. Protected values are covered, or opened with a reason on record."""

from __future__ import annotations

import datetime as dt
import json
from typing import Final

import msgspec

from aurora.errors import DataError, UsageError
from aurora.filings.book import content_problems
from aurora.filings.goaml import covered, report_xml
from aurora.filings.kind import kind_of
from aurora.filings.paper import Shown, html, pdf
from aurora.identity.keys import Identity
from aurora.privacy.disclosure import opened_text
from aurora.store.ids import IdMaker
from aurora.store.journal import JournalRecord
from aurora.store.state import StateStore
from aurora.store.vault import Vault
from contracts.messages.filings import ExportFormat, FilingDetail

MIME: Final[dict[ExportFormat, str]] = {
    "xml": "application/xml",
    "pdf": "application/pdf",
    "html": "text/html",
    "json": "application/json",
}
_MIN_REASON: Final = 8


def export(detail: FilingDetail, wanted: ExportFormat, *, tenant: str, shown: Shown = covered) -> bytes:
    """The draft as a file.

    Errors: `UsageError` for a form that the kind does not have, `DataError` for XML that does not fit the subset though
    nothing is missing. A draft with gaps is written with its gaps, and says that it is a draft.
    """
    kind = kind_of(detail.content.kind)
    if wanted not in kind.exports:
        raise UsageError(
            f"A {kind.title} has no {wanted.upper()}.",
            field="format",
            rule="one_of",
            next_step=f"Choose from {', '.join(kind.exports)}.",
        )
    match wanted:
        case "xml":
            return _xml(detail, shown)
        case "pdf":
            return pdf(detail, tenant=tenant, shown=shown)
        case "html":
            return html(detail, shown)
        case "json":
            return _json(detail, shown)


def _xml(detail: FilingDetail, shown: Shown) -> bytes:
    if not detail.missing and (problems := content_problems(detail.content)):
        raise DataError(
            f"The XML does not fit the schema: {problems[0]}",
            field="xml",
            rule="schema",
            next_step="Correct the field with `aurora draft fill`.",
        )
    return report_xml(detail.content, shown)


def _json(detail: FilingDetail, shown: Shown) -> bytes:
    def walked(value: object) -> object:
        match value:
            case str():
                return shown(value)
            case list():
                return [walked(one) for one in value]
            case dict():
                return {name: walked(one) for name, one in value.items()}
            case _:
                return value

    return json.dumps(walked(msgspec.to_builtins(detail)), ensure_ascii=False, indent=2).encode() + b"\n"


def opener(
    store: StateStore, vault: Vault, filing_id: str, *, identity: Identity, reason: str, now: dt.datetime
) -> Shown:
    """What opens protected values of one draft, for a holder of privacy:reveal; who and why is on record first."""
    identity.require("privacy:reveal")
    if len(reason.strip()) < _MIN_REASON:
        raise UsageError(
            "A reason of at least eight characters is needed: it stands in the audit log.",
            field="reason",
            rule="at_least",
            next_step='Say what for, such as "filing the REAR on goAML".',
        )
    body = msgspec.json.encode({"filing_id": filing_id, "reason": reason.strip()[:500]}, order="deterministic")
    written = JournalRecord(
        record_id=IdMaker(lambda: now).new("prv"),
        kind="privacy_open",
        subject_id=filing_id,
        actor_id=identity.actor_id,
        recorded_at=now,
        body=body,
    )
    store.append([written]).result()
    return lambda text: opened_text(vault, text)

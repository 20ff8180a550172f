"""FFR and PNMR: funds frozen for a confirmed match with a sanctions list, dealings suspended for a partial one."""

from __future__ import annotations

import datetime as dt

from aurora.filings.goaml import add_head, add_indicators, add_party
from aurora.filings.kind import Kind, Parts, Source, as_text

_AUTHORITY = "Executive Office for Control & Non-Proliferation and the FIU, by goAML"
WITHOUT_NOTICE = "Confidential: the measure is taken without notice to the person concerned."


def _frozen(source: Source) -> Parts:
    return _hit(source, "FFR", "Funds and dealings were frozen", source.about["frozen_at"], "confirmed")


def _suspended(source: Source) -> Parts:
    return _hit(source, "PNMR", "Dealings were suspended", source.about["suspended_at"], "partial")


def _hit(source: Source, code: str, did: str, done_at: dt.datetime | None, match: str) -> Parts:
    hit, parts = source.about, source.parts()
    how_like = "" if hit["match_share"] is None else f", likeness {hit['match_share']:.2f}"
    on = hit["list_name"] or "a list that is not named"
    add_head(
        parts,
        source,
        code,
        reason=f"A {hit['match_kind']} match with {on}{how_like}, found {as_text(hit['found_at']) or 'at an unknown time'}.",
        action=None if done_at is None else f"{did} on {as_text(done_at)}.",
        acted_why="The law asks for it at once (Cabinet Decision 74/2020): do it, have it recorded, then report.",
    )
    path = "activity.report_parties.report_party[1]."
    add_party(parts, path, source.records.party(hit["party_id"], hit["source"]), hit["party_id"])
    add_indicators(parts, source, code.lower())
    parts.notes.append(WITHOUT_NOTICE)
    if hit["match_kind"] != match:
        parts.notes.append(f"The match is {hit['match_kind']}; this report is for a {match} one.")
    return parts


KINDS = (
    Kind(
        kind="ffr",
        title="Fund freeze report (FFR)",
        authority=_AUTHORITY,
        contract="screening_hit",
        says="A confirmed match with a sanctions list: frozen, and reported within five business days.",
        exports=("xml", "pdf", "html", "json"),
        is_confidential=True,
        build=_frozen,
        rules=("AML-009", "AML-010"),
        root="report",
    ),
    Kind(
        kind="pnmr",
        title="Partial name match report (PNMR)",
        authority=_AUTHORITY,
        contract="screening_hit",
        says="A possible match with a sanctions list: suspended, and reported within five business days.",
        exports=("xml", "pdf", "html", "json"),
        is_confidential=True,
        build=_suspended,
        rules=("AML-011",),
        root="report",
    ),
)

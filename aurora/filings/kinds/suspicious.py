"""STR: the suspicious transaction report. Nobody outside compliance may learn of it (no tipping-off)."""

from __future__ import annotations

from aurora.filings.goaml import add_head, add_indicators, add_party, add_transactions, unit_of
from aurora.filings.kind import Kind, Parts, Source
from aurora.filings.records import Row

NO_TIPPING_OFF = (
    "Confidential: telling the person concerned, or anybody else, that this is drafted or filed is an offence."
)


def _build(source: Source) -> Parts:
    suspicion, parts = source.about, source.parts()
    add_head(
        parts,
        source,
        "STR",
        reason=suspicion["suspicion_grounds"],
        action=None,
        acted_why="What the company did: declined, went on, watches the account.",
    )
    deal = _deal(source, suspicion)
    payments = [] if deal is None else source.records.of("payment", deal_id=deal["deal_id"])
    if deal is not None and payments:
        add_transactions(parts, source, deal, payments, unit_of(source, deal))
    else:
        path = "activity.report_parties.report_party[1]"
        party_id = suspicion["party_id"]
        add_party(parts, f"{path}.", source.records.party(party_id, suspicion["source"]), party_id)
    add_indicators(parts, source, "str")
    parts.notes.append(NO_TIPPING_OFF)
    if suspicion["suspicion_status"] != "confirmed":
        parts.notes.append(f"The suspicion is {suspicion['suspicion_status']}, not confirmed.")
    return parts


def _deal(source: Source, suspicion: Row) -> Row | None:
    if suspicion["deal_id"] is None:
        return None
    found = source.records.of("deal", deal_id=suspicion["deal_id"])
    return found[0] if found else None


KINDS = (
    Kind(
        kind="str",
        title="Suspicious transaction report (STR)",
        authority="UAE Financial Intelligence Unit, by goAML",
        contract="suspicion",
        says="A confirmed suspicion, without delay and without a word to anybody concerned.",
        exports=("xml", "pdf", "html", "json"),
        is_confidential=True,
        build=_build,
        rules=("AML-007",),
        root="report",
    ),
)

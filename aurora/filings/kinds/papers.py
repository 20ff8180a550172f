"""The checklist of a sale's papers, for the Real Estate Regulatory Agency's inspection or the file itself."""

from __future__ import annotations

from typing import Final

from aurora.filings.checklist import Judged, judge_papers
from aurora.filings.kind import NEVER_FILED, Kind, Parts, Source
from aurora.filings.records import Row
from contracts.messages.filings import FilingTable

_SAID: Final = {
    "buyer_id": "Identity paper of the buyer", "seller_id": "Identity paper of the seller", "kyc_form": "KYC form",
    "receipt": "Receipt", "spa": "Sale and purchase agreement",
}  # fmt: skip


def _build(source: Source) -> Parts:
    parts, rows = source.parts(), _rows(source)
    judged = judge_papers(source.rulebook, rows, now=source.now)
    for one in judged:
        rule = source.rulebook.rule(one.item.rule)
        parts.add(
            one.item.item,
            one.item.label,
            one.says or one.state if one.state == "there" else None,
            why=f"{rule.rule_id}: {rule.file.title}",
            where=_where(one, source),
            mandatory=not one.is_in_order,
        )
    parts.tables += [_papers(source, judged), _on_file(source)]
    parts.notes.append(NEVER_FILED)
    return parts


def _rows(source: Source) -> dict[str, list[Row]]:
    deal, records = source.about, source.records
    unit, at, buyer_id = deal["property_id"], deal["source"], deal["buyer_party_id"]
    buyer, seller = records.party(buyer_id, at), records.party(deal["seller_party_id"], at)
    names = {buyer_id, *(other for _, other in records.same_as("party", at, buyer_id or ""))}
    viewings = records.of_unit("viewing", unit, at) if unit else []
    return {
        "deal": [deal],
        "listing": records.of_unit("listing", unit, at) if unit else [],
        "viewing": [one for one in viewings if one["party_id"] in names],
        "buyer": [] if buyer is None else [buyer],
        "seller": [] if seller is None else [seller],
    }


def _where(one: Judged, source: Source) -> str:
    deal = f"deal {source.about['deal_id']} at {source.about['source']}"
    of = deal if one.item.record == "deal" else f"the {one.item.record} of {deal}"
    return f"{one.item.shows or one.item.item} of {of}; or a person says why it is not needed"


def _papers(source: Source, judged: list[Judged]) -> FilingTable:
    rows = []
    for one in judged:
        rule = source.rulebook.rule(one.item.rule)
        law = f"{rule.file.source.instrument}, {rule.file.source.article}"
        to_verify = " (to be verified)" if rule.file.must_be_verified else ""
        rows.append((one.item.label, one.state, one.says, rule.rule_id, f"{law}{to_verify}"))
    return FilingTable(
        title="Papers", columns=("Paper", "State", "On record", "Rule", "Asked for by"), rows=tuple(rows)
    )


def _on_file(source: Source) -> FilingTable:
    """Scans and files: what there is, and what of the AML file is not (AML-005)."""
    found = source.records.of("document", deal_id=source.about["deal_id"])
    rows: list[tuple[str | None, ...]] = [
        (
            _SAID.get(one["document_kind"], one["document_kind"]),
            "on file",
            one["document_id"],
            None if one["filed_at"] is None else f"{one['filed_at']:%Y-%m-%d}",
            None if one["retention_end_date"] is None else one["retention_end_date"].isoformat(),
        )
        for one in found
    ]
    held = {one["document_kind"] for one in found}
    rows += [(said, "not on file", None, None, None) for kind, said in _SAID.items() if kind not in held]
    columns = ("Document", "State", "Id", "Filed", "Keep until")
    return FilingTable(title="Documents on file", columns=columns, rows=tuple(rows))


KINDS = (
    Kind(
        kind="rera_checklist",
        title="Document checklist of a sale",
        authority="Real Estate Regulatory Agency and Land Department, Dubai",
        contract="deal",
        says="Forms A, B, F and I, permit, NOC, title check, Oqood, due diligence: there, missing or expired.",
        exports=("pdf", "html", "json"),
        build=_build,
        rules=("RERA-001", "RERA-004", "RERA-005", "RERA-006", "RERA-008", "DLD-001", "DLD-007", "DLD-008", "AML-001"),
    ),
)

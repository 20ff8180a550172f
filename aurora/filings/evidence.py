"""What an evidence pack holds: findings, rules, sweeps, journal records with their proofs, drafts, records, snapshots.

About a regime, a deal or one finding. Whatever is about a suspicion is left out for those who may not know of it.
"""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from aurora.audit.proofs import prove_inclusion
from aurora.compliance.findings import NEWEST
from aurora.compliance.posture import posture_by_regime
from aurora.compliance.rulebook import RecordRule, Rulebook
from aurora.errors import NotFoundError, UsageError
from aurora.filings.book import may_know, read_filings
from aurora.filings.kind import kind_of, kinds
from aurora.filings.records import Records
from aurora.identity.keys import Identity
from aurora.store.journal import JournalEntry, StateReader
from aurora.store.lake import LakeReader
from contracts.fields import FIELDS
from contracts.messages.filings import EvidenceRequest, Filing

Row = dict[str, Any]
MAX_FINDINGS: Final = 5_000
MAX_DECISIONS: Final = 200
_SEARCHED: Final = 5_000
"""Newest decisions that are looked through."""
_PAGE: Final = 500
_TIPPING_OFF: Final = ("AML-007", "AML-008")
"""Rules that speak of suspicions; those of confidential drafts come with them."""
_OF_A_DEAL: Final = ("payment", "deal_cost", "document")
LEFT_OUT: Final = "What is about suspicions and list hits is only in packs made by holders of the scope suspicion:read."


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything of one pack, before it is written."""

    about: str
    findings: list[Row]
    rules: list[Row]
    sweeps: list[Row]
    posture: list[Row]
    records: list[Row]
    filings: list[Filing]
    journal: list[Row]
    proofs: list[Row]
    checkpoints: Mapping[str, bytes]
    raw_snapshot_id: int
    mart_snapshot_id: int
    book_hash: str


def collect(
    lake: LakeReader,
    state: StateReader,
    rulebook: Rulebook,
    wanted: EvidenceRequest,
    *,
    identity: Identity,
    now: dt.datetime,
) -> Evidence:
    """Gather a pack. Needs the scope filing:read.

    Errors: `UsageError` unless exactly one thing is asked for, `NotFoundError` where there is none.
    """
    identity.require("filing:read")
    about = _about(wanted)
    found, records = _found(lake, rulebook, wanted, identity)
    filings = [one for one in read_filings(state) if _belongs(one, wanted, rulebook, found, records, identity)]
    rule_ids = {one["rule_id"] for one in found}
    rules = [
        rule
        for rule in rulebook.rules
        if (rule.rule_id in rule_ids or rule.pack.regime == wanted.regime) and _may_show(rule.rule_id, None, identity)
    ]
    entries = _entries(state, wanted, found, filings)
    proofs, checkpoints = _proofs(state, entries)
    regimes = {rule.pack.regime for rule in rules}
    return Evidence(
        about=about,
        findings=found,
        rules=[_rule(rule, rulebook) for rule in rules],
        sweeps=_sweeps(lake, [rule.rule_id for rule in rules]),
        posture=[one for one in posture_by_regime(rulebook, lake, now=now) if one["regime"] in regimes],
        records=records,
        filings=filings,
        journal=[_shown_entry(one) for one in entries],
        proofs=proofs,
        checkpoints=checkpoints,
        raw_snapshot_id=lake.snapshot_id("raw"),
        mart_snapshot_id=lake.snapshot_id("mart"),
        book_hash=rulebook.book_hash,
    )


def _about(wanted: EvidenceRequest) -> str:
    said = [
        f"{name.removesuffix('_id').replace('_', ' ')} {value}"
        for name, value in msgspec.structs.asdict(wanted).items()
        if value is not None
    ]
    if len(said) != 1:
        raise UsageError(
            "A pack is about a regime, a deal or a finding: exactly one.",
            field="regime",
            rule="exactly_one",
            next_step="Name one of regime, deal_id and finding_id.",
        )
    return said[0]


def _may_show(rule_id: str, contract: str | None, identity: Identity) -> bool:
    if "suspicion:read" in identity.scopes:
        return True
    hidden = [kind for kind in kinds().values() if kind.is_confidential]
    rules = {*_TIPPING_OFF, *(rule for kind in hidden for rule in kind.rules)}
    return rule_id not in rules and contract not in {kind.contract for kind in hidden}


def may_show_finding(finding: Mapping[str, Any], identity: Identity) -> bool:
    """Whether the caller may see a finding: those about suspicions and list hits ask for suspicion:read."""
    return _may_show(finding["rule_id"], finding["about_contract"], identity)


def _found(
    lake: LakeReader, rulebook: Rulebook, wanted: EvidenceRequest, identity: Identity
) -> tuple[list[Row], list[Row]]:
    """Findings, open ones first, and the records that the pack is about."""
    records: list[Row] = []
    if wanted.regime is not None:
        if wanted.regime not in {pack.file.regime for pack in rulebook.packs}:
            known = ", ".join(sorted({pack.file.regime for pack in rulebook.packs}))
            raise _nothing("regime", wanted.regime, f"There are: {known}.")
        found = _findings(lake, "regime = ?", [wanted.regime])
    elif wanted.finding_id is not None:
        found = _findings(lake, "finding_id = ?", [wanted.finding_id])
        if not any(may_show_finding(one, identity) for one in found):
            raise _nothing("finding_id", wanted.finding_id, "`aurora rules findings` lists those that are open.")
    else:
        records = _records_of_deal(lake, str(wanted.deal_id))
        found = [
            one
            for record in records
            for one in _findings(
                lake,
                "about_contract = ? AND record_source = ? AND about_id = ?",
                [record["contract"], record["record_source"], record["record_id"]],
            )
        ]
    return [one for one in found if may_show_finding(one, identity)], records


def _findings(lake: LakeReader, where: str, params: Sequence[object]) -> list[Row]:
    order = "finding_state <> 'open', due_at, finding_id"
    rows = lake.query(
        f"SELECT * FROM ({NEWEST}) AS f WHERE {where} ORDER BY {order} LIMIT {MAX_FINDINGS}", params
    ).to_dicts()
    return [{**row, "evidence": msgspec.json.decode(row["evidence"])} for row in rows]


def _records_of_deal(lake: LakeReader, deal_id: str) -> list[Row]:
    records, rows = Records(lake), []
    for contract in ("deal", *_OF_A_DEAL):
        rows += [(contract, row) for row in records.of(contract, deal_id=deal_id)]
    if not any(contract == "deal" for contract, _ in rows):
        raise _nothing("deal_id", deal_id, "Check the id; the Data page shows the deals.")
    hashes = {(one.contract, one.record_source, one.record_id): one for one in records.used}
    return [
        {
            **msgspec.structs.asdict(hashes[contract, row["source"], row[f"{contract}_id"]]),
            "values": {name: value for name, value in row.items() if _is_open(name) and value is not None},
        }
        for contract, row in rows
    ]


def _is_open(column: str) -> bool:
    """Whether a column's values may stand in a pack: public and internal ones, as in findings."""
    declared = FIELDS.get(column)
    return declared is not None and declared.privacy in ("public", "internal") and declared.protection == "none"


def _belongs(
    filing: Filing,
    wanted: EvidenceRequest,
    rulebook: Rulebook,
    found: list[Row],
    records: list[Row],
    identity: Identity,
) -> bool:
    kind = kind_of(filing.kind)
    if not may_know(kind, identity):
        return False
    if wanted.regime is not None:
        regimes = {rule.rule_id: rule.pack.regime for rule in rulebook.rules}
        return any(regimes.get(rule_id) == wanted.regime for rule_id in kind.rules)
    name = (filing.about_contract, filing.record_source, filing.about_id)
    of_records = {(one["contract"], one["record_source"], one["record_id"]) for one in records}
    of_findings = {(one["about_contract"], one["record_source"], one["about_id"]) for one in found}
    return name in of_records | of_findings


def _rule(rule: RecordRule, rulebook: Rulebook) -> Row:
    pack = rulebook.pack(rule.pack.rule_pack)
    return {
        "rule": msgspec.to_builtins(rule.file),
        "rule_pack": rule.pack.rule_pack,
        "pack_version": rule.pack.version,
        "pack_hash": pack.pack_hash,
        "authority": rule.pack.authority,
        "checked_at": rule.pack.checked_at,
        "must_be_verified": rule.file.must_be_verified,
        "parameters": {
            name: msgspec.to_builtins(pack.parameters[name])
            for name in rule.condition.parameters
            if name in pack.parameters
        },
    }


def _sweeps(lake: LakeReader, rule_ids: list[str]) -> list[Row]:
    if not rule_ids:
        return []
    marks = ", ".join("?" for _ in rule_ids)
    return lake.query(
        f"SELECT * FROM raw.rule_sweep WHERE rule_id IN ({marks})"
        " QUALIFY row_number() OVER (PARTITION BY rule_id ORDER BY updated_at DESC) = 1 ORDER BY rule_id",
        rule_ids,
    ).to_dicts()


def _entries(
    state: StateReader, wanted: EvidenceRequest, found: Iterable[Row], filings: Iterable[Filing]
) -> list[JournalEntry]:
    """Journal records of remedies, holds, drafts and decisions that belong to the pack, in their order."""
    entries: dict[str, JournalEntry] = {}
    for subject in (*(one["finding_id"] for one in found), *(one.filing_id for one in filings)):
        entries |= {entry.record_id: entry for entry in state.about(subject)}
    for decision in _decisions(state, wanted, found):
        entries |= {entry.record_id: entry for entry in state.about(decision.record_id)}
    return sorted(entries.values(), key=lambda one: one.seq)


def _decisions(state: StateReader, wanted: EvidenceRequest, found: Iterable[Row]) -> list[JournalEntry]:
    """Decisions that name the records; for a regime the newest ones in which a rule forbade a candidate."""
    if wanted.regime is not None:
        signs = [b'"source":"rule"']
    else:
        names = {wanted.deal_id, *(one["about_id"] for one in found)} - {None}
        signs = [msgspec.json.encode(name) for name in sorted(names, key=str)]
    chosen = (entry for entry in _newest_decisions(state) if any(sign in entry.body for sign in signs))
    return [entry for entry, _ in zip(chosen, range(MAX_DECISIONS), strict=False)]


def _newest_decisions(state: StateReader) -> Iterator[JournalEntry]:
    before, seen = None, 0
    while seen < _SEARCHED and (page := state.page("decision", before=before, limit=_PAGE)):
        yield from page
        before, seen = page[-1].seq, seen + len(page)


def _shown_entry(entry: JournalEntry) -> Row:
    return {
        "seq": entry.seq,
        "record_id": entry.record_id,
        "kind": entry.kind,
        "subject_id": entry.subject_id,
        "actor_id": entry.actor_id,
        "recorded_at": entry.recorded_at,
        "body": msgspec.json.decode(entry.body),
    }


def _proofs(state: StateReader, entries: Iterable[JournalEntry]) -> tuple[list[Row], dict[str, bytes]]:
    proofs, checkpoints = [], {}
    for entry in entries:
        proof = prove_inclusion(state, entry.record_id)
        name = f"checkpoints/{proof.tree_size:010d}.txt"
        checkpoints[name] = proof.checkpoint
        proofs.append(
            {
                "record_id": entry.record_id,
                "leaf_index": proof.leaf_index,
                "checkpoint": name,
                "entry": base64.b64encode(proof.entry).decode(),
                "path": [base64.b64encode(one).decode() for one in proof.path],
            }
        )
    return proofs, checkpoints


def _nothing(field: str, value: str, next_step: str) -> NotFoundError:
    return NotFoundError(f"There is no {field.removesuffix('_id')} {value[:80]!r}.", field=field, next_step=next_step)

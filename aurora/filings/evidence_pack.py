"""An evidence pack as a zip: a summary for people, the evidence as JSON, a verifier, and a manifest of hashes.

The manifest's own hash goes into the journal, so that a pack that was changed together with its manifest is told too.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Any, Final

import msgspec

from aurora.compliance.rulebook import Rulebook
from aurora.errors import DataError
from aurora.filings import pack_verifier
from aurora.filings.book import show_filing
from aurora.filings.evidence import LEFT_OUT, Evidence, collect
from aurora.filings.kind import NEVER_FILED, as_text
from aurora.filings.paper import html, html_page, html_table
from aurora.identity.keys import Identity
from aurora.store.ids import IdMaker
from aurora.store.journal import JournalRecord, StateReader
from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths
from aurora.store.sealing import load_verifier_key, open_note
from aurora.store.state import StateStore
from contracts.messages.filings import EvidenceRequest

KIND: Final = "evidence_pack"
_MOMENT: Final = (1980, 1, 1, 0, 0, 0)
"""Time of every file in the zip: what was made when stands in the manifest."""
_SHOWN: Final = 300


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack as it is handed out."""

    pack_id: str
    file_name: str
    body: bytes
    manifest: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PackReport:
    """What checking a pack found."""

    file_count: int
    proof_count: int
    manifest_sha256: str
    problems: tuple[str, ...]
    is_signed: bool | None
    """The checkpoints bear this tenant's signature; null where the tenant's key is not here."""
    is_journaled: bool | None
    """The journal holds the manifest's hash; null where the journal is not here."""

    @property
    def is_valid(self) -> bool:
        """Whether nothing was changed, as far as can be told here."""
        return not self.problems and self.is_signed is not False and self.is_journaled is not False


def make_pack(
    store: StateStore,
    paths: TenantPaths,
    rulebook: Rulebook,
    wanted: EvidenceRequest,
    *,
    identity: Identity,
    now: dt.datetime,
) -> Pack:
    """Make a pack and journal its manifest's hash. Errors: as `aurora.filings.evidence.collect`."""
    with read_lake(paths) as lake:
        evidence = collect(lake, store, rulebook, wanted, identity=identity, now=now)
    pack_id = IdMaker(lambda: now).new("evp")
    files = _files(store, paths, evidence, pack_id, identity, now)
    manifest = _manifest(files, evidence, paths, pack_id, identity, now)
    written = _json(manifest)
    body = {"about": evidence.about, "manifest_sha256": hashlib.sha256(written).hexdigest(), "file_count": len(files)}
    store.append(
        [
            JournalRecord(
                record_id=pack_id,
                kind=KIND,
                subject_id=pack_id,
                actor_id=identity.actor_id,
                recorded_at=now,
                body=msgspec.json.encode(body, order="deterministic"),
            )
        ]
    ).result()
    slug = "".join(sign if sign.isalnum() else "-" for sign in evidence.about.lower())
    name = f"aurora_{paths.tenant}_evidence_{slug[:60]}_{now:%Y%m%dT%H%MZ}.zip"
    return Pack(pack_id, name, _zip({**files, pack_verifier.MANIFEST: written}), manifest)


def verify_pack(file: Path, paths: TenantPaths | None) -> PackReport:
    """Check a pack's hashes and proofs; with the tenant's paths its signatures and its journal record too.

    Errors: `DataError` for what is no pack.
    """
    problems = pack_verifier.problems_at(file)
    try:
        with zipfile.ZipFile(file) as pack:
            written = pack.read(pack_verifier.MANIFEST)
            manifest = json.loads(written)
            notes = [pack.read(name) for name in pack.namelist() if name.startswith("checkpoints/")]
            proofs = json.loads(pack.read("proofs.json"))
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{file.name} is no evidence pack: {error}.",
            field="file",
            rule="zip",
            next_step="Give the zip as `aurora evidence make` wrote it.",
        ) from error
    digest = hashlib.sha256(written).hexdigest()
    return PackReport(
        file_count=len(manifest.get("files", ())),
        proof_count=len(proofs),
        manifest_sha256=digest,
        problems=tuple(problems),
        is_signed=None if paths is None else _are_signed(notes, paths),
        is_journaled=None if paths is None else _is_journaled(paths, manifest.get("pack_id", ""), digest),
    )


def _are_signed(notes: Iterable[bytes], paths: TenantPaths) -> bool:
    key = load_verifier_key(paths)
    try:
        for note in notes:
            open_note(note, key)
    except DataError:
        return False
    return True


def _is_journaled(paths: TenantPaths, pack_id: str, digest: str) -> bool:
    with StateReader(paths) as state:
        entry = state.get(str(pack_id))
    return entry is not None and entry.kind == KIND and json.loads(entry.body).get("manifest_sha256") == digest


def _files(
    store: StateStore, paths: TenantPaths, evidence: Evidence, pack_id: str, identity: Identity, now: dt.datetime
) -> dict[str, bytes]:
    details = [show_filing(store, paths, one.filing_id, identity) for one in evidence.filings]
    files = {
        "summary.html": _summary(evidence, paths.tenant, pack_id, identity, now),
        "findings.json": _json(evidence.findings),
        "rules.json": _json(evidence.rules),
        "sweeps.json": _json(evidence.sweeps),
        "posture.json": _json(evidence.posture),
        "records.json": _json(evidence.records),
        "drafts.json": _json([msgspec.to_builtins(one) for one in evidence.filings]),
        "journal.json": _json(evidence.journal),
        "proofs.json": _json(evidence.proofs),
        "verifier_key.txt": load_verifier_key(paths).encode() + b"\n",
        "verify.py": Path(pack_verifier.__file__).read_bytes(),
        **evidence.checkpoints,
    }
    return files | {f"drafts/{one.filing.filing_id}.html": html(one) for one in details}


def _manifest(
    files: Mapping[str, bytes],
    evidence: Evidence,
    paths: TenantPaths,
    pack_id: str,
    identity: Identity,
    now: dt.datetime,
) -> dict[str, Any]:
    return {
        "pack_id": pack_id,
        "tenant": paths.tenant,
        "region": paths.region,
        "about": evidence.about,
        "made_at": as_text(now),
        "made_by": identity.actor_id,
        "raw_snapshot_id": evidence.raw_snapshot_id,
        "mart_snapshot_id": evidence.mart_snapshot_id,
        "rulebook_sha256": evidence.book_hash,
        "counts": {
            "findings": len(evidence.findings),
            "rules": len(evidence.rules),
            "drafts": len(evidence.filings),
            "journal_records": len(evidence.journal),
        },
        "note": LEFT_OUT,
        "files": [
            {"path": name, "sha256": hashlib.sha256(files[name]).hexdigest(), "bytes": len(files[name])}
            for name in sorted(files)
        ],
    }


def _summary(evidence: Evidence, tenant: str, pack_id: str, identity: Identity, now: dt.datetime) -> bytes:
    open_count = sum(one["finding_state"] == "open" for one in evidence.findings)
    parts = [
        (
            f"<p class=meta>Company {escape(tenant)}, {escape(evidence.about)}. Made {as_text(now)} by "
            f"{escape(identity.actor_id)}, pack {pack_id}. Lake snapshots: raw {evidence.raw_snapshot_id}, mart "
            f"{evidence.mart_snapshot_id}. Rules SHA-256 {evidence.book_hash}.</p>"
        ),
        (
            f"<p>{len(evidence.findings)} findings, {open_count} of them open; {len(evidence.rules)} rules; "
            f"{len(evidence.filings)} drafts of reports; {len(evidence.journal)} journal records, each with a proof that it "
            f"stands in the signed log.</p>"
        ),
        f"<p class=note>{LEFT_OUT} {NEVER_FILED}</p>",
        (
            "<p class=note>Check the pack: <code>python verify.py PACK.zip</code>, or <code>aurora evidence verify "
            "PACK.zip</code>.</p>"
        ),
    ]
    parts += _part("Posture", ("Regime", "Authority", "Posture", "Open", "Critical", "Overdue"), [
        (one["regime"], one["authority"], one["posture"].replace("_", " "), str(one["open_count"]),
         str(one["critical_count"]), str(one["overdue_count"]))
        for one in evidence.posture
    ])  # fmt: skip
    parts += _part("Findings", ("Rule", "State", "Severity", "Due", "Record", "Evidence"), [
        (one["rule_id"], one["finding_state"].replace("_", " "), one["severity"], as_text(one["due_at"]),
         f"{one['about_contract']} {one['about_id']} at {one['record_source']}",
         "; ".join(f"{name}: {value}" for name, value in one["evidence"].items()))
        for one in evidence.findings[:_SHOWN]
    ])  # fmt: skip
    if len(evidence.findings) > _SHOWN:
        parts.append(f"<p class=note>The first {_SHOWN} of {len(evidence.findings)}; all are in findings.json.</p>")
    parts += _part("Rules", ("Rule", "Title", "Source", "Pack", "How sure", "Checked"), [
        (one["rule"]["rule_id"], one["rule"]["title"],
         f"{one['rule']['source']['instrument']}, {one['rule']['source']['article']}",
         f"{one['rule_pack']} {one['pack_version']}",
         "to be verified" if one["must_be_verified"] else one["rule"]["provenance"], as_text(one["checked_at"]))
        for one in evidence.rules
    ])  # fmt: skip
    parts += _part("Drafts of reports", ("Draft", "About", "State", "Prepared by", "Approved by", "Reference"), [
        (f"{one.title}, {one.filing_id}", f"{one.about_contract} {one.about_id}", one.state.replace("_", " "),
         ", ".join(one.prepared_by), one.approved_by, one.authority_reference)
        for one in evidence.filings
    ])  # fmt: skip
    parts += _part("Journal", ("At (UTC)", "Record", "Kind", "Who"), [
        (as_text(one["recorded_at"]), one["record_id"], one["kind"], one["actor_id"])
        for one in evidence.journal[:_SHOWN]
    ])  # fmt: skip
    return html_page(f"Evidence pack: {evidence.about}", parts)


def _part(title: str, columns: tuple[str, ...], rows: list[tuple[str | None, ...]]) -> list[str]:
    return [f"<h2>{escape(title)}</h2>", html_table(columns, rows)] if rows else []


def _json(value: object) -> bytes:
    return json.dumps(value, default=_plain, ensure_ascii=False, indent=1).encode() + b"\n"


def _plain(value: object) -> str:
    match value:
        case dt.datetime() | dt.date() | Decimal():
            return as_text(value) or ""
        case _:
            return str(value)


def _zip(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as pack:
        for name in sorted(files):
            pack.writestr(zipfile.ZipInfo(name, _MOMENT), files[name], zipfile.ZIP_DEFLATED)
    return buffer.getvalue()

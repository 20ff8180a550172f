"""Drafts of reports to authorities, and evidence packs: made from the lake, approved by people, never filed by Aurora."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from apps.render import Json, Tenant, note, print_json, print_line, print_record, print_table
from apps.session import open_paths
from aurora.errors import DataError, UsageError
from contracts.messages.filings import EvidenceRequest, ExportFormat, Filing, FilingDetail

if TYPE_CHECKING:
    from aurora.compliance.rulebook import Rulebook
    from aurora.identity.keys import Identity
    from aurora.settings import Settings
    from aurora.store.paths import TenantPaths
    from aurora.store.state import StateStore

FilingId = Annotated[str, typer.Argument(help="Id of a draft, such as fil_...")]
KeyFile = Annotated[
    Path | None,
    typer.Option(help="File with the API key of who acts; the owner's key in the tenant's folder when absent."),
]
Said = Annotated[str | None, typer.Option("--note", help="What to keep beside it.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="File to write.")]
_LIST = ("filing_id", "kind", "state", "about_contract", "about_id", "missing_count", "due_at", "approved_by", "authority_reference")  # fmt: skip
_MISSING = ("path", "label", "why", "where")


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    room = typer.Typer(
        help="Drafts of reports to authorities: made from the lake, approved by two people, never filed by Aurora.",
        no_args_is_help=True,
    )
    room.command("list")(list_drafts)
    for command in (kinds, make, show, fill, refresh, submit, approve, reject, handed_over, export, schema):
        room.command()(command)
    app.add_typer(room, name="draft")
    packs = typer.Typer(help="Evidence packs: a zip with hashes and proofs, for an authority.", no_args_is_help=True)
    packs.command("make")(make_evidence)
    packs.command("verify")(verify_evidence)
    app.add_typer(packs, name="evidence")


def kinds(*, json: Json = False) -> None:
    """The kinds of draft, and the record that each is about."""
    from aurora.filings.kind import kinds as known

    rows = [
        {
            "kind": one.kind,
            "title": one.title,
            "authority": one.authority,
            "about": one.contract,
            "exports": " ".join(one.exports),
            "is_confidential": one.is_confidential,
            "says": one.says,
        }
        for one in known().values()
    ]
    print_json(rows) if json else print_table(rows, ("kind", "about", "title", "exports", "is_confidential"))


def make(
    kind: Annotated[str, typer.Argument(help="A kind; `aurora draft kinds` lists them.")],
    about_id: Annotated[str, typer.Argument(help="Id of the deal, suspicion, list hit or incident.")],
    *,
    source: Annotated[str | None, typer.Option(help="Source of the record, where two know one of that id.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it would say, and keep nothing.")] = False,
    key_file: KeyFile = None,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Draft a report about one record of the lake. What is missing is listed, with where to put it."""
    from aurora.filings.drafting import make_draft

    with _opened(tenant, key_file) as at:
        made = make_draft(
            at.store,
            at.paths,
            at.rulebook,
            kind=kind,
            about_id=about_id,
            record_source=source,
            identity=at.identity,
            now=at.now,
            is_dry_run=dry_run,
        )
    _print_detail(made, as_json=json)


def list_drafts(*, key_file: KeyFile = None, tenant: Tenant = None, json: Json = False) -> None:
    """Drafts, the newest first. Confidential ones need the scope suspicion:read."""
    from aurora.filings.book import list_filings

    with _opened(tenant, key_file) as at:
        rows = [msgspec.to_builtins(one) for one in list_filings(at.store, at.identity)]
    if json:
        print_json(rows)
    elif rows:
        print_table(rows, _LIST)
    else:
        print_line("There is no draft. `aurora draft make KIND ID` makes one.")


def show(filing_id: FilingId, *, key_file: KeyFile = None, tenant: Tenant = None, json: Json = False) -> None:
    """One draft: its fields, what is missing and where to put it, records, snapshot, hash and who did what."""
    from aurora.filings.book import show_filing

    with _opened(tenant, key_file) as at:
        detail = show_filing(at.store, at.paths, filing_id, at.identity)
    _print_detail(detail, as_json=json)


def fill(
    filing_id: FilingId,
    values: Annotated[list[str], typer.Argument(help="PATH=VALUE, as `draft show` names the paths; PATH= takes back.")],
    *,
    key_file: KeyFile = None,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Put in what the lake does not know. The draft is made anew; an approval is void."""
    from aurora.filings.drafting import fill_draft

    given: dict[str, str | None] = {}
    for one in values:
        path, sign, value = one.partition("=")
        if not sign:
            raise UsageError(
                f"{one[:80]!r} is not PATH=VALUE.", field="values", next_step='Write it as reason="Cash of AED 60,000".'
            )
        given[path] = value or None
    with _opened(tenant, key_file) as at:
        detail = fill_draft(at.store, at.paths, at.rulebook, filing_id, given, identity=at.identity, now=at.now)
    _print_detail(detail, as_json=json)


def refresh(filing_id: FilingId, *, key_file: KeyFile = None, tenant: Tenant = None, json: Json = False) -> None:
    """Make the draft anew from the lake as it is. Nothing happens where it says the same."""
    from aurora.filings.drafting import refresh_draft

    with _opened(tenant, key_file) as at:
        detail = refresh_draft(at.store, at.paths, at.rulebook, filing_id, identity=at.identity, now=at.now)
    _print_detail(detail, as_json=json)


def submit(
    filing_id: FilingId, *, said: Said = None, key_file: KeyFile = None, tenant: Tenant = None, json: Json = False
) -> None:
    """Give a draft to another person to judge."""
    from aurora.filings.book import submit as act

    with _opened(tenant, key_file) as at:
        filing = act(at.store, filing_id, identity=at.identity, now=at.now, note=said)
    _print_filing(filing, as_json=json)


def approve(
    filing_id: FilingId,
    *,
    content_hash: Annotated[
        str | None, typer.Option("--hash", help="Content as you read it; the newest one when absent.")
    ] = None,
    said: Said = None,
    key_file: KeyFile = None,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Approve a draft that another person prepared. Not for assistants; refused while mandatory fields are missing."""
    from aurora.filings.book import approve as act
    from aurora.filings.book import find_filing

    with _opened(tenant, key_file) as at:
        digest = content_hash or find_filing(at.store, filing_id, at.identity).content_hash
        filing = act(at.store, at.paths, filing_id, content_hash=digest, identity=at.identity, now=at.now, note=said)
    _print_filing(filing, as_json=json)


def reject(
    filing_id: FilingId,
    *,
    because: Annotated[str, typer.Option(help="What is to be changed.")],
    key_file: KeyFile = None,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Send a draft back to who prepared it."""
    from aurora.filings.book import find_filing
    from aurora.filings.book import reject as act

    with _opened(tenant, key_file) as at:
        digest = find_filing(at.store, filing_id, at.identity).content_hash
        filing = act(at.store, at.paths, filing_id, content_hash=digest, identity=at.identity, now=at.now, note=because)
    _print_filing(filing, as_json=json)


def handed_over(
    filing_id: FilingId,
    *,
    reference: Annotated[str, typer.Option(help="The authority's number of what you filed.")],
    said: Said = None,
    key_file: KeyFile = None,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Say that you filed an approved draft with the authority. Aurora sends nothing by itself."""
    from aurora.filings.book import hand_over as act

    with _opened(tenant, key_file) as at:
        filing = act(
            at.store, at.paths, filing_id, authority_reference=reference, identity=at.identity, now=at.now, note=said
        )
    _print_filing(filing, as_json=json)


def export(
    filing_id: FilingId,
    *,
    wanted: Annotated[ExportFormat, typer.Option("--format", "-f", help="Form of the file.")] = "pdf",
    out: Out = None,
    in_clear: Annotated[bool, typer.Option("--in-clear", help="Open protected values; needs privacy:reveal.")] = False,
    reason: Annotated[str, typer.Option(help="What for, with --in-clear: it stands in the audit log.")] = "",
    key_file: KeyFile = None,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Write a draft as goAML XML, PDF, HTML or JSON. Protected values are covered unless they are opened."""
    from aurora.filings.book import show_filing
    from aurora.filings.exports import export as written
    from aurora.filings.exports import opener
    from aurora.filings.goaml import covered
    from aurora.store.vault import Vault

    with _opened(tenant, key_file) as at:
        detail = show_filing(at.store, at.paths, filing_id, at.identity)
        if in_clear:
            with Vault.open(at.paths) as vault:
                shown = opener(at.store, vault, filing_id, identity=at.identity, reason=reason, now=at.now)
                body = written(detail, wanted, tenant=at.paths.tenant, shown=shown)
        else:
            body = written(detail, wanted, tenant=at.paths.tenant, shown=covered)
    file = out or Path(f"{filing_id}.{wanted}")
    file.write_bytes(body)
    facts = {"file": file, "bytes": len(body), "state": detail.filing.state, "missing_count": len(detail.missing)}
    print_json(facts) if json else print_record(facts)
    if detail.missing:
        note(f"{len(detail.missing)} mandatory fields are missing: it is a draft with gaps.")


def schema(*, out: Out = None) -> None:
    """Write the XSD that drafts are checked against: Aurora's subset of the goAML schema, not the authority's."""
    from aurora.filings.goaml_schema import SCHEMA

    if out is None:
        print_line(SCHEMA)
    else:
        out.write_text(SCHEMA, encoding="utf-8")
        print_line(f"{out} is written.")


def make_evidence(
    *,
    regime: Annotated[str | None, typer.Option(help="Everything about one regime, such as aml.")] = None,
    deal: Annotated[str | None, typer.Option(help="Everything about one deal.")] = None,
    finding: Annotated[str | None, typer.Option(help="Everything about one finding.")] = None,
    out: Out = None,
    key_file: KeyFile = None,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Make a zip of findings, rules, sweeps, drafts, receipts and proofs, with a manifest of hashes."""
    from aurora.filings.evidence_pack import make_pack

    wanted = EvidenceRequest(regime=regime, deal_id=deal, finding_id=finding)
    with _opened(tenant, key_file) as at:
        pack = make_pack(at.store, at.paths, at.rulebook, wanted, identity=at.identity, now=at.now)
    file = out or Path(pack.file_name)
    file.write_bytes(pack.body)
    facts: dict[str, Any] = {"file": file, "pack_id": pack.pack_id, "bytes": len(pack.body)} | pack.manifest["counts"]
    print_json(facts) if json else print_record(facts)


def verify_evidence(
    file: Annotated[Path, typer.Argument(help="A pack, as `evidence make` wrote it.", exists=True)],
    *,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Check a pack: every hash, every proof, the signatures, and the journal's record of it."""
    from aurora.filings.evidence_pack import verify_pack

    _, paths = open_paths(tenant)
    report = verify_pack(file, paths)
    if json:
        print_json(asdict(report) | {"is_valid": report.is_valid})
    if not report.is_valid:
        reasons = [
            *report.problems,
            *(["a checkpoint does not bear this tenant's signature"] if report.is_signed is False else []),
            *(["the journal knows another manifest, or none"] if report.is_journaled is False else []),
        ]
        raise DataError(
            f"The pack does not hold: {reasons[0]}.",
            field=file.name,
            rule="manifest",
            next_step="Ask for the pack anew: `aurora evidence make`.",
        )
    if not json:
        print_line(
            f"{report.file_count} files and {report.proof_count} proofs hold; manifest {report.manifest_sha256}."
        )


@dataclass(frozen=True, slots=True)
class _At:
    """What a command works with."""

    settings: Settings
    paths: TenantPaths
    store: StateStore
    identity: Identity

    @property
    def now(self) -> Any:
        from apps.bootstrap import utc_now

        return utc_now()

    @property
    def rulebook(self) -> Rulebook:
        from aurora.compliance.versions import tenant_rulebook

        return tenant_rulebook(self.settings.packs_dir, self.paths, self.settings.pack)


@contextmanager
def _opened(tenant: str | None, key_file: Path | None) -> Iterator[_At]:
    """State, and who acts: the holder of the key in the file."""
    from apps.bootstrap import OWNER, utc_now
    from aurora.errors import NotFoundError
    from aurora.identity.keys import authenticate
    from aurora.store.state import StateStore

    settings, paths = open_paths(tenant)
    file = key_file or paths.directory / f"{OWNER}.key"
    if not file.is_file():
        raise NotFoundError(
            f"There is no key file {file}.",
            field="--key-file",
            next_step="Make a key with `aurora key create` and name the file that holds it.",
        )
    with StateStore.open(paths, clock=utc_now) as store:
        yield _At(settings, paths, store, authenticate(store, file.read_text(encoding="utf-8").strip()))


def _print_detail(detail: FilingDetail, *, as_json: bool) -> None:
    from aurora.filings.goaml import covered
    from aurora.filings.paper import about_lines

    if as_json:
        print_json(msgspec.to_builtins(detail))
        return
    print_line(detail.content.title)
    for line in about_lines(detail):
        print_line(line)
    print_line()
    print_table(
        [
            {"path": one.path, "value": None if one.value is None else covered(one.value), "from": one.origin}
            for one in detail.content.fields
        ],
        ("path", "value", "from"),
    )
    for table in detail.content.tables:
        print_line(f"\n{table.title}")
        print_table([dict(zip(table.columns, row, strict=True)) for row in table.rows], table.columns)
    if detail.missing:
        print_line("\nMissing")
        print_table([msgspec.to_builtins(one) for one in detail.missing], _MISSING)
    for said in detail.content.notes:
        print_line(f"\n{said}")


def _print_filing(filing: Filing, *, as_json: bool) -> None:
    if as_json:
        print_json(msgspec.to_builtins(filing))
    else:
        print_line(f"{filing.filing_id} is {filing.state.replace('_', ' ')}; content {filing.content_hash[:16]}.")

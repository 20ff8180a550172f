"""How contracts change: what differs, what that reaches, whether it may pass, and whether a file keeps to one."""

from __future__ import annotations

import datetime as dt
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.render import Json, Tenant, print_json, print_line, print_table
from apps.session import open_paths
from aurora.errors import DataError, NotFoundError, UsageError
from aurora.settings import load_settings

if TYPE_CHECKING:
    from aurora.catalogue.blast import Blast
    from contracts.evolution import Change, Refusal, State


def register(room: typer.Typer) -> None:
    """Add the commands to `aurora contract`."""
    room.command()(diff)
    room.command()(check)
    room.command()(publish)


def diff(
    *,
    against: Annotated[
        str | None,
        typer.Option(help="A state written by `publish`, or `lake` for the tenant's live lake; published when absent."),
    ] = None,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """What changed in the contracts, and what that reaches: marts, KPIs, rules, features, policies, pages, assistants.

    A breaking change lists what stops, what says something else, and who must follow. Nothing is written.
    """
    from contracts import evolution, registry

    new = evolution.described(registry.tables())
    old = _state(against, tenant, new)
    made = evolution.changes(old, new)
    blast, counts = _blast(made, old, new)
    if json:
        print_json(
            {
                "changes": [_change_row(change) for change in made],
                "blast": [{"kind": part.kind, "name": part.name, "effect": part.effect} for part in blast.parts],
                "part_counts": counts,
            }
        )
        return
    if not made:
        print_line("Nothing changed.")
        return
    print_table([_change_row(change) for change in made], ("table", "column", "change", "level", "what"))
    _print_blast(made, blast, counts)


def check(
    file: Annotated[
        Path | None, typer.Argument(help="File to hold against a contract; the contracts themselves when absent.")
    ] = None,
    *,
    contract: Annotated[str | None, typer.Option(help="Contract its rows must meet; guessed when absent.")] = None,
    source_format: Annotated[str | None, typer.Option("--format", help="Format; detected when absent.")] = None,
    against: Annotated[
        str | None, typer.Option(help="A state written by `publish`; the published one when absent.")
    ] = None,
    json: Json = False,
) -> None:
    """Hold a file against a contract, or the contracts against what was published.

    A file: rows that are good and bad, with reasons; nothing lands. The contracts: every change must be announced
    by its version, and a breaking one must name its migration. Exits with 3 when something does not pass.
    """
    if file is not None:
        _check_file(file, contract=contract, source_format=source_format, json=json)
    else:
        _check_contracts(against, json=json)


def publish(*, json: Json = False) -> None:
    """Write the contracts as they are to `contracts/published.json`: what the next change is held against.

    Refused when `aurora contract check` finds a change that may not pass.
    """
    from contracts import evolution, registry

    new = evolution.described(registry.tables())
    if evolution.PUBLISHED.exists():
        refused = evolution.refusals(evolution.read_state(evolution.PUBLISHED), new, registry.tables())
        if refused:
            raise _refused(refused)
    text = evolution.state_text(new)
    is_new = not evolution.PUBLISHED.exists() or evolution.PUBLISHED.read_text(encoding="utf-8") != text
    if is_new:
        evolution.PUBLISHED.write_text(text, encoding="utf-8")
    if json:
        print_json({"tables": len(new), "is_written": is_new})
    else:
        print_line(f"{len(new)} contracts are published." if is_new else "What is published is what is declared.")


# the contracts --------------------------------------------------------------------------------


def _state(against: str | None, tenant: str | None, new: State) -> State:
    from contracts import evolution, registry

    if against == "lake":
        from aurora.store.lake import read_lake

        _, paths = open_paths(tenant)
        with read_lake(paths) as lake:
            live = lake.columns("raw")
        types = {kind: name for name, kind in registry.DUCKDB_TYPES.items() if name != "json"}
        return evolution.lake_state(live, new, types)
    file = evolution.PUBLISHED if against is None else Path(against)
    try:
        return evolution.read_state(file)
    except OSError as error:
        raise NotFoundError(
            f"There is no state of the contracts at {file}.",
            field="against",
            next_step="`aurora contract publish` writes one; `--against lake` compares with a live lake.",
        ) from error
    except ValueError as error:
        raise UsageError(
            f"{file} is not a state of the contracts: {error}.",
            field="against",
            next_step="Name a file that `aurora contract publish` wrote.",
        ) from error


def _blast(made: Sequence[Change], old: State, new: State) -> tuple[Blast, dict[Any, int]]:
    from aurora.catalogue.blast import Blast
    from aurora.catalogue.radius import read_house
    from aurora.packs import list_packs, load_pack

    if not any(change.is_breaking for change in made):
        return Blast(parts=()), {}
    folder = load_settings(os.environ).packs_dir
    house = read_house([load_pack(folder, name) for name in list_packs(folder)], old, new)
    return house.blast(made, new), dict(house.part_counts)


def _change_row(change: Change) -> dict[str, object]:
    return {
        "table": change.table,
        "column": change.column,
        "change": change.kind,
        "level": change.level,
        "what": change.words,
    }


def _print_blast(made: Sequence[Change], blast: Blast, counts: dict[Any, int]) -> None:
    from aurora.catalogue.blast import EFFECTS, PART_KINDS

    breaking = sum(change.is_breaking for change in made)
    if not breaking:
        print_line("\nAll of it is additive: nothing stops.")
        return
    print_line(f"\n{breaking} of {len(made)} changes are breaking. They reach:")
    rows = [
        {"effect": effect, "what": kind, "of": f"{len(names)} of {counts[kind]}", "names": ", ".join(names)}
        for effect in EFFECTS
        for kind in PART_KINDS
        if (names := blast.names(kind, effect))
    ]
    print_table(rows, ("effect", "what", "of", "names"))
    if not rows:
        print_line("Nothing in this house reads or writes it.")


def _check_contracts(against: str | None, *, json: bool) -> None:
    from contracts import evolution, registry

    new = evolution.described(registry.tables())
    refused = evolution.refusals(_state(against, None, new), new, registry.tables())
    if json:
        print_json([{"table": one.table, "reason": one.reason, "next_step": one.next_step} for one in refused])
    if refused:
        raise _refused(refused)
    if not json:
        print_line(f"All {len(new)} contracts may follow what was published.")


def _refused(refused: Sequence[Refusal]) -> DataError:
    """The first refusal with its blast radius; the others by name."""
    from contracts import evolution, registry

    first = refused[0]
    new = evolution.described(registry.tables())
    try:
        old = evolution.read_state(evolution.PUBLISHED)
    except OSError:
        old = new
    blast, _ = _blast(first.changes, {**new, **old}, new)
    stopped = [f"{kind} {name}" for kind, name in sorted(blast.stopped)]
    reached = (
        f" It stops {len(stopped)}: {', '.join(stopped[:6])}{' ...' if len(stopped) > 6 else ''}." if stopped else ""
    )
    others = ", ".join(one.table for one in refused[1:])
    return DataError(
        f"Contract {first.table}: {first.reason}{reached}{f' The same goes for {others}.' if others else ''}",
        field=first.table,
        rule="compatible_change",
        next_step=f"{first.next_step} `aurora contract diff` shows everything that it reaches.",
    )


# a file ---------------------------------------------------------------------------------------


def _check_file(file: Path, *, contract: str | None, source_format: str | None, json: bool) -> None:
    from aurora.gateway.prices import default_book
    from aurora.ingest.portions import BatchOrigin, SourceFile
    from aurora.ingest.source_formats import contract_for, detect
    from aurora.ingest.staging import stage_file

    if not file.is_file():
        raise NotFoundError(f"There is no file {file}.", field="file", next_step="Name a file to check.")
    name = source_format or detect(file)
    meant = contract_for(file, name, contract)
    origin = BatchOrigin(
        batch_id="check",
        batch_seq=0,
        source="check",
        source_format=name,
        file_name=file.name,
        region="unknown",
        ingested_at=dt.datetime.now(dt.UTC),
    )
    limit = load_settings(os.environ).max_upload_mb * 2**20
    with tempfile.TemporaryDirectory() as folder:
        staged = stage_file(
            SourceFile(path=file, contract=meant, max_line_bytes=limit),
            origin,
            folders=Path(folder),
            book=default_book(),
        )
    rows, refusals = [], []
    for part in staged.parts:
        rows.append({"contract": part.contract, "format": name, "rows": part.row_count, "good": part.good_count,
                     "bad": part.quarantined_count, "duplicates": part.duplicate_count})  # fmt: skip
        refusals += [
            {
                "contract": part.contract,
                **{key: refusal[key] for key in ("row_number", "column_name", "rule", "reason")},
            }
            for frame in part.refused
            for refusal in frame.head(_SHOWN).iter_rows(named=True)
        ]
    if json:
        print_json({"file": file.name, "parts": rows, "refusals": refusals})
    else:
        print_table(rows, ("contract", "format", "rows", "good", "bad", "duplicates"))
        if refusals:
            print_line()
            print_table(refusals[:_SHOWN], ("row_number", "column_name", "rule", "reason"))
    bad = sum(part.quarantined_count for part in staged.parts)
    if bad:
        raise DataError(
            f"{bad:,} rows of {file.name} do not meet the contract.",
            field=str(refusals[0]["column_name"]) if refusals else None,
            rule=str(refusals[0]["rule"]) if refusals else None,
            next_step=f"`aurora contract show {meant}` says what each column must be.",
        )


_SHOWN = 100
"""Refused rows that are listed; the counts are of all."""

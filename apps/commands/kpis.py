"""KPIs: the scoreboard, one of them with its days, explain this number, and figures that people enter."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.render import Json, Tenant, note, print_json, print_line, print_record, print_table
from apps.session import open_paths
from aurora.errors import UsageError

if TYPE_CHECKING:
    from aurora.insights.kpis import KpiStand
    from aurora.store.lake import LakeReader
    from aurora.store.paths import TenantPaths
    from contracts.messages.kpis import KpiInput, KpiInputRequest

Name = Annotated[str, typer.Argument(help="A KPI, such as kpi_agent_success_rate; the kpi_ may be left out.")]
AsOf = Annotated[str, typer.Option("--as-of", help="Day that the figure is about, as YYYY-MM-DD.")]
Cited = Annotated[str, typer.Option("--source", help="Where the figure was taken from, so that it can be looked up.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check it, and write nothing.")]
Note = Annotated[str | None, typer.Option("--note", help="A word on it.")]
_COLUMNS = ("kpi_id", "how", "value", "interval", "n", "target", "status", "day", "group")
_WORDS = {"met": "met", "missed": "MISSED", "alert": "ALERT", "no_data": "no data yet", "no_input": "none entered yet"}


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    room = typer.Typer(
        help="KPIs: values, targets, where they come from, and figures from outside.", no_args_is_help=True
    )
    room.command("list")(list_all)
    for command in (show, explain, target):
        room.command()(command)
    entering = typer.Typer(help="Figures from outside the software, each with its source.", no_args_is_help=True)
    entering.command("add")(add)
    entering.command("import")(import_file)
    entering.command("withdraw")(withdraw)
    entering.command("list")(list_entered)
    room.add_typer(entering, name="input")
    app.add_typer(room, name="kpi")


def list_all(
    *,
    group: Annotated[str | None, typer.Option(help="Only of this group, such as revenue.")] = None,
    kind: Annotated[str | None, typer.Option(help="measured or input.")] = None,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Every KPI: its newest value with interval and count, its target, and where it stands."""
    from aurora.insights.kpis import current_kpis, scoreboard, told
    from aurora.store.lake import read_lake

    _, paths = open_paths(tenant)
    kpis = [kpi for kpi in current_kpis() if group in (None, kpi.group) and kind in (None, kpi.kind)]
    with read_lake(paths) as lake:
        stands = scoreboard(lake, kpis)
        snapshot = lake.snapshot_id("mart")
    if json:
        print_json({"kpis": [told(stand) for stand in stands], "mart_snapshot_id": snapshot})
        return
    print_table([_row(stand) for stand in stands], _COLUMNS)
    note(f"Mart snapshot {snapshot}. `aurora kpi explain KPI` says where a number comes from.")


def _row(stand: KpiStand) -> dict[str, object]:
    kpi = stand.kpi
    sign = "≥" if kpi.direction == "up" else "≤"
    own = "*" if stand.target_by else ""
    return {
        "kpi_id": kpi.kpi_id,
        "how": kpi.kind,
        "value": None if stand.value is None else f"{stand.value:,.4g} {kpi.unit}",
        "interval": None if stand.low is None or stand.high is None else f"{stand.low:,.4g} to {stand.high:,.4g}",
        "n": stand.sample_count or None,
        "target": f"{sign} {stand.target:,.6g}{own}",
        "status": _WORDS[stand.status],
        "day": stand.period_date,
        "group": kpi.group,
    }


def show(
    kpi_id: Name,
    *,
    days: Annotated[int, typer.Option(min=1, max=3660, help="How many days to show, the newest ones.")] = 14,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """One KPI: what it means, where it stands, and its newest days."""
    from aurora.insights.kpis import series, told
    from aurora.store.lake import read_lake

    _, paths = open_paths(tenant)
    with read_lake(paths) as lake:
        stand = _stand(lake, kpi_id)
        rows = series(lake, kpi_id=stand.kpi.kpi_id)[-days:]
    if json:
        print_json({"kpi": told(stand), "series": rows})
        return
    _print_stand(stand)
    if rows:
        print_line()
        print_table(rows, ("period_date", "kpi_value", "value_low", "value_high", "sample_count", "target", "is_met"))


def _print_stand(stand: KpiStand) -> None:
    kpi = stand.kpi
    row = _row(stand)
    print_line(f"{kpi.kpi_name} ({kpi.kpi_id})")
    facts: dict[str, object] = {"means": kpi.definition, "formula": kpi.formula}
    if kpi.caveat:
        facts["caveat"] = kpi.caveat
    facts |= {name: row[name] for name in ("how", "value", "interval", "n", "day", "target", "status")}
    if stand.target_by:
        facts["target_set_by"] = f"{stand.target_by}; the KPI file says {kpi.target:,.6g}"
    if stand.source_note:
        facts["taken_from"] = f"{stand.source_note}, entered by {stand.entered_by}"
    beyond = "below" if kpi.direction == "up" else "above"
    facts |= {"alert": f"{kpi.alert_level} {beyond} {kpi.alert_at:,.6g}", "owner": kpi.owner, "source": kpi.source}
    facts["answers"] = ", ".join(kpi.plan_ids)
    print_record(facts)


def explain(
    kpi_id: Name,
    *,
    day: Annotated[str | None, typer.Option(help="Rows behind this day; the newest one when absent.")] = None,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Explain this number: formula, SQL, lineage from the contracts' columns, snapshots, the rows behind it."""
    from aurora.insights.kpi_explain import current_lineage, explained, rows_behind
    from aurora.store.lake import read_lake

    _, paths = open_paths(tenant)
    with read_lake(paths) as lake:
        stand = _stand(lake, kpi_id)
        rows = rows_behind(lake, stand.kpi, _day(day, "day") if day else stand.period_date)
        facts = explained(lake, stand, current_lineage(), rows=rows)
    if json:
        print_json(facts)
        return
    _print_stand(stand)
    print_line(f"\nRead at raw snapshot {facts['raw_snapshot_id']}, mart snapshot {facts['mart_snapshot_id']}; "
               f"value first computed from raw snapshot {facts['snapshot_id']}.")  # fmt: skip
    print_line("\nLineage")
    print_table(
        [{**step, "columns": ", ".join(step["columns"]), "made_from": ", ".join(step["made_from"])}
         for step in facts["lineage"]],
        ("layer", "relation", "columns", "made_from"),
    )  # fmt: skip
    if facts["sql"]:
        print_line(f"\nSQL\n{facts['sql']}")
    for relation, found in rows.items():
        print_line(f"\nRows behind it, in {relation}")
        print_table(found, tuple(found[0]) if found else ("none",))


def target(
    kpi_id: Name,
    value: Annotated[
        float | None, typer.Argument(help="The company's own target; left out, the file's holds again.")
    ] = None,
    *,
    source: Cited,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Set the company's own target. Values stay as they are; pages say whose target it is."""
    from apps.bootstrap import utc_now
    from contracts.messages.kpis import KpiInputRequest

    asked = KpiInputRequest(as_of_date=utc_now().date(), kpi_value=value, source_note=_cited(source), kind="target")
    _enter([(kpi_id, asked)], tenant=tenant, json=json)


def add(
    kpi_id: Name,
    value: Annotated[float, typer.Argument(help="The figure in the KPI's unit; a share is 0.05, not 5.")],
    *,
    as_of: AsOf,
    source: Cited,
    low: Annotated[float | None, typer.Option(help="Lower end of its 95 % interval, where it is sampled.")] = None,
    high: Annotated[float | None, typer.Option(help="Upper end of its 95 % interval.")] = None,
    sample_count: Annotated[int | None, typer.Option(min=1, help="Observations behind it.")] = None,
    remark: Note = None,
    dry_run: DryRun = False,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Enter a figure. It is kept with its source, its day and who entered it."""
    from contracts.messages.kpis import KpiInputRequest

    asked = KpiInputRequest(
        as_of_date=_day(as_of, "as_of"), kpi_value=value, source_note=_cited(source), value_low=low, value_high=high,
        sample_count=sample_count, note=remark,
    )  # fmt: skip
    _enter([(kpi_id, asked)], tenant=tenant, json=json, dry_run=dry_run)


def import_file(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A CSV file; see docs/how-to/add-a-kpi.md.")
    ],
    *,
    dry_run: DryRun = False,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Enter the figures of a CSV file, all or none: kpi_id, as_of_date, kpi_value, source_note in each row."""
    from aurora.insights.kpi_inputs import read_inputs_file

    _enter(read_inputs_file(file), tenant=tenant, json=json, dry_run=dry_run)


def withdraw(kpi_id: Name, *, as_of: AsOf, source: Cited, tenant: Tenant = None, json: Json = False) -> None:
    """Take back the figure of a day. What was entered stays in the journal; the KPI has no value that day."""
    from contracts.messages.kpis import KpiInputRequest

    asked = KpiInputRequest(as_of_date=_day(as_of, "as_of"), kpi_value=None, source_note=_cited(source))
    _enter([(kpi_id, asked)], tenant=tenant, json=json)


def list_entered(
    kpi_id: Annotated[str | None, typer.Argument(help="Only of this KPI.")] = None,
    *,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Figures that were entered, the newest first: what, from where, by whom."""
    from aurora.insights.kpi_inputs import list_inputs, named
    from aurora.insights.kpis import current_kpis
    from aurora.store.lake import read_lake

    _, paths = open_paths(tenant)
    wanted = None if kpi_id is None else named(current_kpis(), kpi_id).kpi_id
    with read_lake(paths) as lake:
        rows = list_inputs(lake, kpi_id=wanted, limit=limit)
    if json:
        print_json(rows)
        return
    print_table(rows, ("kpi_id", "kind", "as_of_date", "kpi_value", "source_note", "actor_id", "entered_at", "source"))


def _enter(wanted: list[tuple[str, KpiInputRequest]], *, tenant: str | None, json: bool, dry_run: bool = False) -> None:
    """Check every figure, then record them all in one transaction."""
    from apps.bootstrap import utc_now
    from aurora.insights.kpi_inputs import input_record
    from aurora.store.state import StateStore

    _, paths = open_paths(tenant)
    entered = _checked(wanted, paths)
    if not dry_run:
        with StateStore.open(paths, clock=utc_now) as store:
            store.append([input_record(one) for one in entered]).result()
    rows: list[dict[str, Any]] = [
        {"kpi_id": one.kpi_id, "kind": one.kind, "as_of_date": one.as_of_date, "kpi_value": one.kpi_value,
         "source_note": one.source_note, "actor_id": one.actor_id, "kpi_input_id": one.kpi_input_id}
        for one in entered
    ]  # fmt: skip
    if json:
        print_json({"entered": rows, "is_dry_run": dry_run})
        return
    print_table(rows, ("kpi_id", "kind", "as_of_date", "kpi_value", "source_note", "actor_id"))
    note("Nothing was written." if dry_run else "Recorded. `aurora build` brings it to the scoreboard.")


def _checked(wanted: list[tuple[str, KpiInputRequest]], paths: TenantPaths) -> list[KpiInput]:
    from apps.bootstrap import OWNER, utc_now
    from aurora.insights.kpi_inputs import Entrant, named, new_input
    from aurora.insights.kpis import current_kpis
    from aurora.store.ids import IdMaker

    kpis, ids = current_kpis(), IdMaker(utc_now)
    return [
        new_input(
            named(kpis, kpi_id),
            asked,
            Entrant(actor_id=OWNER, now=utc_now(), region=paths.region, input_id=ids.new("kpi")),
        )
        for kpi_id, asked in wanted
    ]


def _stand(lake: LakeReader, kpi_id: str) -> KpiStand:
    from aurora.insights.kpi_inputs import named
    from aurora.insights.kpis import current_kpis, scoreboard

    (stand,) = scoreboard(lake, [named(current_kpis(), kpi_id)])
    return stand


def _day(text: str, field: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text[:40]!r} is no day.", field=field, next_step="Write it as 2026-09-30.") from error


def _cited(source: str) -> str:
    if not 3 <= len(source.strip()) <= 300:
        raise UsageError(
            "The source says nothing.", field="source", next_step="Say where the figure stands, in 3 to 300 letters."
        )
    return source.strip()

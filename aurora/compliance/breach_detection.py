"""Finding breaches: incidents that are one, findings that may be one, and rows that were refused for their region.

Each is noticed once. What an incident's own record says was done (who was told, when it was closed) becomes steps of
the case; what is missing, people do. The state of each case is a row of `raw.breach_case`, for alerts and reports.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, Final

import polars as pl

from aurora.compliance.breach_rules import BreachRules
from aurora.compliance.breaches import check_step, detected_record, read_breaches, step_record
from aurora.compliance.findings import NEWEST
from aurora.errors import ConflictError, DataError
from aurora.store.journal import JournalRecord
from aurora.store.lake import LakeReader, LakeWriter, read_lake, write_lake
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from contracts import registry
from contracts.messages.compliance import BreachCase, BreachDetected, BreachOrigin, BreachStep, BreachStepKind

ACTOR: Final = "aurora"
_Told = Callable[[BreachCase, dict[str, Any], dt.datetime], Iterator[BreachStep]]
_INCIDENTS: Final = """
    SELECT * FROM raw.incident
    QUALIFY row_number() OVER (PARTITION BY source, incident_id ORDER BY updated_at DESC) = 1
"""
_REFUSALS: Final = """
    SELECT source, contract, refused_region, batch_id, min(ingested_at) AS detected_at, count(*) AS refused_count
    FROM raw.residency_refusal GROUP BY source, contract, refused_region, batch_id
"""


def detect_breaches(paths: TenantPaths, store: StateStore, rules: BreachRules, *, now: dt.datetime) -> dict[str, int]:
    """Notice what is new, follow what incidents say, and bring the lake's rows up to date. Run again it does nothing.

    Returns counts: `detected`, `steps` and `rows`.
    """
    with read_lake(paths) as lake:
        incidents = lake.query(f"SELECT * FROM ({_INCIDENTS}) AS i WHERE is_personal_breach").to_dicts()
        found = [*_of_incidents(incidents, rules, paths, now), *_of_findings(lake, rules, paths, now)]
        found += _of_refusals(lake, rules, paths, now)
    known = {one.breach_id for one in read_breaches(store, rules, now=now)}
    fresh = {one.breach_id: one for one in found if one.breach_id not in known}
    noticed = [store.append([detected_record(one)]) for one in fresh.values()]
    detected = sum([_is_written(one) for one in noticed])
    steps = 0
    for told in (_told, _told_closed):  # a case is closed by what was done before
        cases = {one.breach_id: one for one in read_breaches(store, rules, now=now)}
        taken = [records for row in incidents if (records := _following(cases, row, told, now))]
        futures = [store.append(records) for records in taken]  # many share a commit
        steps += sum(len(records) for records, future in zip(taken, futures, strict=True) if _is_written(future))
    return {"detected": detected, "steps": steps, "rows": project_breaches(paths, store, rules, now=now)}


def project_breaches(paths: TenantPaths, store: StateStore, rules: BreachRules, *, now: dt.datetime) -> int:
    """Append the state of each case and authority that is another than the lake's newest; returns how many rows."""
    schema = pl.Schema(registry.polars_schema(registry.table("breach_case")))
    cases = read_breaches(store, rules, now=now)
    rows = pl.DataFrame([row for case in cases for row in _rows(case, paths.region, now)], schema=schema)
    same = [name for name in schema if name not in ("updated_at", "actor_id")]
    with read_lake(paths) as lake:
        known = lake.query(
            "SELECT * FROM raw.breach_case QUALIFY row_number() OVER"
            " (PARTITION BY breach_id, authority_name ORDER BY updated_at DESC) = 1"
        )
    fresh = rows.join(
        known.select(same).cast({name: schema[name] for name in same}), on=same, how="anti", nulls_equal=True
    )
    if fresh.height:
        newest = known["updated_at"].max()
        if isinstance(newest, dt.datetime) and newest >= now:  # a clock that went back must not hide the state
            after = newest + dt.timedelta(microseconds=1)
            fresh = fresh.with_columns(pl.lit(after).cast(schema["updated_at"]).alias("updated_at"))

        def work(lake: LakeWriter) -> int:
            return lake.append("breach_case", fresh)

        write_lake(paths, "raw", work, author="rules", message="Breaches")
    return fresh.height


def _of_incidents(
    rows: list[dict[str, Any]], rules: BreachRules, paths: TenantPaths, now: dt.datetime
) -> Iterator[BreachDetected]:
    for row in rows:
        yield _detected(
            rules,
            now,
            origin="incident",
            about=("incident", row["source"], row["incident_id"]),
            place=row["jurisdiction"] or rules.home(paths.region),
            detected_at=row["detected_at"],
            is_sample=row["is_sample"],
        )


def _of_findings(
    lake: LakeReader, rules: BreachRules, paths: TenantPaths, now: dt.datetime
) -> Iterator[BreachDetected]:
    """One case a record; a rule that names its law says where."""
    rows = lake.query(
        f"SELECT * FROM ({NEWEST}) AS f WHERE finding_state = 'open' AND list_contains(?, rule_id)"
        " ORDER BY found_at, rule_id",
        [list(rules.signs.rules)],
    ).to_dicts()
    grouped: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault((row["about_contract"], row["record_source"], row["about_id"]), []).append(row)
    for about, same in grouped.items():
        rule_ids = [row["rule_id"] for row in same]
        named = [rules.signs.jurisdictions[one] for one in rule_ids if one in rules.signs.jurisdictions]
        yield _detected(
            rules,
            now,
            origin="finding",
            about=about,
            rule_ids=rule_ids,
            place=named[0] if named else rules.home(paths.region),
            detected_at=same[0]["found_at"],
            is_sample=same[0]["is_sample"],
        )


def _of_refusals(
    lake: LakeReader, rules: BreachRules, paths: TenantPaths, now: dt.datetime
) -> Iterator[BreachDetected]:
    """Rows that somebody sent to a region where they may not be: nothing was kept, but they were on their way."""
    for row in lake.query(_REFUSALS).to_dicts():
        about_id = f"{row['contract']}|{row['refused_region']}|{row['batch_id']}"
        yield _detected(
            rules,
            now,
            origin="residency_refusal",
            about=("residency_refusal", row["source"], about_id),
            place=rules.home(paths.region),
            detected_at=row["detected_at"],
        )


def _detected(
    rules: BreachRules,
    now: dt.datetime,
    *,
    origin: BreachOrigin,
    about: tuple[str, str, str],
    place: str | None,
    detected_at: dt.datetime,
    rule_ids: list[str] | None = None,
    is_sample: bool = False,
) -> BreachDetected:
    contract, source, about_id = about
    return BreachDetected(
        breach_id=_breach_id(contract, source, about_id),
        origin=origin,
        about_contract=contract,
        record_source=source,
        about_id=about_id,
        rule_ids=rule_ids or [],
        jurisdiction=place,
        authorities=list(rules.told(place)),
        detected_at=detected_at,
        is_sample=is_sample,
        recorded_at=now,
        actor_id=ACTOR,
    )


def _breach_id(contract: str, source: str, about_id: str) -> str:
    """The same record is always the same breach."""
    return "brc-" + hashlib.sha256(f"{contract}\x1f{source}\x1f{about_id}".encode()).hexdigest()[:20]


def _following(cases: dict[str, BreachCase], row: dict[str, Any], told: _Told, now: dt.datetime) -> list[JournalRecord]:
    """Records of the steps that an incident's record tells of and the case lacks."""
    case = cases[_breach_id("incident", row["source"], row["incident_id"])]
    records: list[JournalRecord] = []
    for step in told(case, row, now):
        try:
            check_step(case, step)
        except (ConflictError, DataError):  # the record says it is closed, and somebody is still to be told
            break
        records.append(step_record(step, len(case.steps) + len(records) + 1))
    return records


def _told(case: BreachCase, row: dict[str, Any], now: dt.datetime) -> Iterator[BreachStep]:
    known = {one.step for one in case.steps}
    facts = ("is_personal_breach", "is_risk_likely", "is_high_risk", "affected_subject_count")
    if "assessed" not in known and row["is_risk_likely"] is not None:
        assessed = {name: row[name] for name in facts}
        yield _step(case, "assessed", max(row["detected_at"], case.detected_at), now, **assessed)
    if row["authority_notified_at"] is not None and "authority_notified" not in known:
        for name in sorted({one.authority for one in case.duties}):
            yield _step(case, "authority_notified", row["authority_notified_at"], now, authority=name)
    if row["subjects_notified_at"] is not None and "subjects_notified" not in known:
        yield _step(case, "subjects_notified", row["subjects_notified_at"], now)


def _told_closed(case: BreachCase, row: dict[str, Any], now: dt.datetime) -> Iterator[BreachStep]:
    if row["closed_at"] is not None and case.breach_state != "closed":
        yield _step(case, "closed", row["closed_at"], now)


def _step(case: BreachCase, kind: BreachStepKind, done_at: dt.datetime, now: dt.datetime, **facts: Any) -> BreachStep:
    return BreachStep(
        breach_id=case.breach_id,
        step=kind,
        done_at=done_at,
        note="The incident's record says so.",
        actor_id=ACTOR,
        recorded_at=now,
        **facts,
    )


def _is_written(future: Future[list[int]]) -> bool:
    """Whether it is on the disk; False when another process wrote the same."""
    try:
        future.result()
    except ConflictError:
        return False
    return True


def _rows(case: BreachCase, region: str, now: dt.datetime) -> Iterator[dict[str, Any]]:
    """One row an authority; one with none in charge has one row all the same."""
    for name in sorted({one.authority for one in case.duties}) or ["none"]:
        mine = {one.who: one for one in case.duties if one.authority == name}
        told, people = mine.get("authority"), mine.get("subjects")
        waiting = [one.due_at for one in mine.values() if one.is_due and one.done_at is None]
        is_open = case.breach_state != "closed"
        closed = next((one.done_at for one in reversed(case.steps) if one.step == "closed"), None)
        assessed = next((one.done_at for one in reversed(case.steps) if one.step == "assessed"), None)
        yield {
            "breach_id": case.breach_id,
            "authority_name": name,
            "breach_state": case.breach_state,
            "breach_origin": case.origin,
            "about_contract": case.about_contract,
            "record_source": case.record_source,
            "about_id": case.about_id,
            "jurisdiction": case.jurisdiction,
            "detected_at": case.detected_at,
            "assessed_at": assessed,
            "is_personal_breach": bool(case.is_personal_breach is not False),
            "is_risk_likely": case.is_risk_likely,
            "is_high_risk": case.is_high_risk,
            "affected_subject_count": case.affected_subject_count,
            "authority_due_at": told.due_at if told and told.is_due else None,
            "authority_notified_at": told.done_at if told else None,
            "subjects_due_at": people.due_at if people and people.is_due else None,
            "subjects_notified_at": people.done_at if people else None,
            "next_due_at": min(waiting) if waiting and is_open else None,
            "closed_at": closed,
            "actor_id": case.steps[-1].actor_id if case.steps else ACTOR,
            "updated_at": now,
            "is_sample": case.is_sample,
            "region": region,
        }

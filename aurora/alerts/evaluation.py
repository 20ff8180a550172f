"""Rules over the lake and over the live fleet, by one function: what breaks them now, since when and likely why."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import polars as pl

from aurora.alerts.detectors import score
from aurora.alerts.rules import AlertRule, TenantAlerts
from aurora.alerts.triage import DIGEST_FROM, PAGE_FROM, PAGE_SAMPLES, episodes, tier_of
from aurora.errors import DataError
from aurora.store.lake import LakeReader
from contracts.messages.alerts import AlertTier
from contracts.messages.commands import LiveFleet

_PARAMETER: Final = re.compile(r"\$([a-z][a-z0-9_]*)")
_THRESHOLDS: Final = ("min_uptime_share", "max_error_share", "max_latency_p95_ms", "max_open_share")


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """One subject that breaks one rule."""

    rule: AlertRule
    subject_id: str
    value: float
    limit_value: float | None
    since: dt.datetime | None
    cause: str | None
    tier: AlertTier
    assistant_id: str | None = None
    step: float | None = None
    score: float | None = None
    is_sample: bool = False
    is_simulated: bool = False

    @property
    def dedupe_key(self) -> str:
        """What alerts once a period."""
        key = f"{self.rule.rule_id}/{self.subject_id}"
        return key if self.step is None else f"{key}/{self.step:g}"

    @property
    def summary(self) -> str:
        """What changed, as the rule says it."""
        text = self.rule.says.format(
            subject=self.subject_id,
            value=self.value,
            limit=self.limit_value if self.limit_value is not None else 0.0,
            share=self.value / self.limit_value if self.limit_value else 0.0,
            since=f"{self.since:%Y-%m-%d %H:%M} UTC" if self.since is not None else "an unknown moment",
        )
        return f"{text} (simulated)" if self.is_simulated else text


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Breaches of the rules that could be judged, and why others could not."""

    breaches: list[Breach]
    judged: frozenset[str]
    left_out: dict[str, str] = field(default_factory=dict)


def evaluate(
    rules: Sequence[AlertRule],
    *,
    lake: LakeReader | None,
    fleet: LiveFleet | None,
    now: dt.datetime,
    tenant: TenantAlerts | None = None,
    page_from: Mapping[str, float] | None = None,
) -> Evaluation:
    """Judge every rule whose source is there. `page_from` is the learnt threshold of detecting rules, by id.

    Errors: `DataError` for a rule whose query fails or lacks a column.
    """
    tenant = tenant or TenantAlerts()
    breaches: list[Breach] = []
    left_out: dict[str, str] = {}
    tables = _tables(lake)
    live = None if fleet is None else _live_table(fleet, now)
    for rule in rules:
        missing = [name for name in rule.needs if name not in tables]
        if (lake if rule.source == "lake" else live) is None:
            left_out[rule.rule_id] = "nobody polls the fleet" if rule.source == "live" else "there is no lake"
        elif missing:
            left_out[rule.rule_id] = f"there is no {missing[0]} yet"
        else:
            known = {
                **rule.parameters,
                **tenant.parameters.get(rule.rule_id, {}),
                "now": now,
                "today": now.astimezone(dt.UTC).date(),
            }
            rows = _measured(rule, lake, live, known)
            found = (
                _detected(rule, rows, now, (page_from or {}).get(rule.rule_id)) if rule.detects else _beyond(rule, rows)
            )
            if rule.source == "live":  # it is so now, whenever it began
                found = (one if one.since is not None else replace(one, since=now) for one in found)
            breaches += [_with_cause(one, lake, known) for one in found]
    return Evaluation(breaches, frozenset(rule.rule_id for rule in rules) - set(left_out), left_out)


def _tables(lake: LakeReader | None) -> frozenset[str]:
    if lake is None:
        return frozenset()
    return frozenset(f"{layer}.{name}" for layer in ("raw", "mart") for name in lake.table_names(layer))  # type: ignore[arg-type]


def _live_table(fleet: LiveFleet, now: dt.datetime) -> pl.DataFrame:
    rows = [
        {
            "assistant_id": one.assistant_id,
            "assistant_state": one.assistant_state,
            "reported_state": one.reported_state,
            "reason": one.reason,
            "since": one.since,
            "in_state_s": None if one.since is None else (now - one.since).total_seconds(),
            "is_connected": one.is_connected,
            "is_simulated": one.is_simulated,
            "uptime_share": one.uptime_share,
            "error_share": one.error_share,
            "latency_p95_ms": None if one.latency is None else one.latency.p95_ms,
            "open_share": one.open_task_count / one.capacity_count
            if one.open_task_count is not None and one.capacity_count
            else None,
            **{name: one.thresholds.get(name) for name in _THRESHOLDS},
        }
        for one in fleet.assistants
    ]
    numbers = ("in_state_s", "uptime_share", "error_share", "latency_p95_ms", "open_share", *_THRESHOLDS)
    schema: dict[str, Any] = {
        **dict.fromkeys(("assistant_id", "assistant_state", "reported_state", "reason"), pl.String),
        "since": pl.Datetime("us", "UTC"),
        **dict.fromkeys(("is_connected", "is_simulated"), pl.Boolean),
        **dict.fromkeys(numbers, pl.Float64),
    }
    return pl.DataFrame(rows, schema=schema)


def _measured(
    rule: AlertRule, lake: LakeReader | None, live: pl.DataFrame | None, known: Mapping[str, object]
) -> pl.DataFrame:
    if rule.source == "live" and live is not None:
        try:
            rows = pl.SQLContext(live=live, eager=True).execute(rule.measure)
        except pl.exceptions.PolarsError as error:
            raise _broken(rule, "measure", str(error)) from error
    else:
        rows = _query(rule, "measure", lake, rule.measure, known)
    wanted = {"subject_id", "at", "value"} if rule.detects else {"subject_id", "value", "limit_value"}
    if missing := sorted(wanted - set(rows.columns)):
        raise _broken(rule, "measure", f"it lacks the column {missing[0]}")
    return rows


def _query(rule: AlertRule, part: str, lake: LakeReader | None, sql: str, known: Mapping[str, object]) -> pl.DataFrame:
    if lake is None:
        raise _broken(rule, part, "there is no lake")
    names = set(_PARAMETER.findall(sql))
    if unknown := sorted(names - set(known)):
        raise _broken(rule, part, f"${unknown[0]} is no parameter of the rule")
    return lake.declared(sql, {name: known[name] for name in names}, field=f"{rule.rule_id}.{part}")


def _broken(rule: AlertRule, part: str, why: str) -> DataError:
    return DataError(
        f"The alert rule {rule.rule_id} cannot be judged: {why}.",
        field=part,
        rule="query",
        next_step=f"Correct {part} in its file, {rule.rule_id}.yaml.",
    )


def _beyond(rule: AlertRule, rows: pl.DataFrame) -> Iterator[Breach]:
    for row in rows.iter_rows(named=True):
        if row["value"] is None or row["limit_value"] is None:
            continue
        value, limit = float(row["value"]), float(row["limit_value"])
        for step in [at for at in rule.steps if value >= at * limit] if rule.steps and limit > 0 else []:
            yield _breach(rule, row, value, limit, step)
        if not rule.steps and _is_beyond(rule, value, limit):
            yield _breach(rule, row, value, limit, None)


def _is_beyond(rule: AlertRule, value: float, limit: float) -> bool:
    if rule.breach == "below":
        return value < limit
    return value >= limit if rule.breach == "at_least" else value > limit


def _breach(rule: AlertRule, row: Mapping[str, Any], value: float, limit: float, step: float | None) -> Breach:
    return Breach(
        rule=rule,
        subject_id=str(row["subject_id"]),
        value=value,
        limit_value=limit,
        since=_moment(row.get("since")),
        cause=row.get("cause"),
        tier=rule.tier if step is None or step == rule.steps[-1] else "digest",
        assistant_id=row.get("assistant_id"),
        step=step,
        is_sample=bool(row.get("is_sample")),
        is_simulated=bool(row.get("is_simulated")),
    )


def _moment(value: object) -> dt.datetime | None:
    if isinstance(value, dt.datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=dt.UTC)
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)
    return None


def _detected(rule: AlertRule, rows: pl.DataFrame, now: dt.datetime, learnt: float | None) -> Iterator[Breach]:
    """Anomalies that began within the last cycle. A series that went silent before it, and one too short, say nothing."""
    moment = np.datetime64(now.astimezone(dt.UTC).replace(tzinfo=None), "us")
    for (subject,), series in rows.drop_nulls(["at", "value"]).group_by("subject_id", maintain_order=True):
        ordered = series.sort("at").unique("at", keep="last", maintain_order=True)
        times = ordered["at"].cast(pl.Datetime("us")).to_numpy()
        values = ordered["value"].cast(pl.Float64).to_numpy()
        found = score(times, values)
        if found is None:
            continue
        begun = (episodes(times, found.consensus, above=DIGEST_FROM, quiet_s=found.cadence.cycle_s) or [-1])[-1]
        if begun < 0 or (moment - times[begun]) / np.timedelta64(1, "s") > found.cadence.cycle_s:
            continue
        peak = begun + int(found.consensus[begun:].argmax())
        consensus = float(found.consensus[peak])
        is_measured = learnt is not None or len(values) >= PAGE_SAMPLES
        votes = sorted(((float(vote[peak]), name) for name, vote in found.votes.items()), reverse=True)
        row = ordered.row(peak, named=True)
        yield Breach(
            rule=rule,
            subject_id=str(subject),
            value=float(values[peak]),
            limit_value=None,
            since=_moment(ordered["at"][begun]),
            cause=f"{votes[0][1]} and {votes[1][1]} deviate more than ever before",
            tier="page" if is_measured and tier_of(consensus, learnt or PAGE_FROM) == "page" else "digest",
            assistant_id=row.get("assistant_id"),
            score=round(consensus, 4),
            is_sample=bool(row.get("is_sample")),
        )


def _with_cause(breach: Breach, lake: LakeReader | None, known: Mapping[str, object]) -> Breach:
    """The breach with the dimension that contributes most, where its rule asks for one."""
    rule = breach.rule
    if rule.cause is None:
        return breach
    facts = {**known, "subject_id": breach.subject_id, "since": breach.since}
    rows = _query(rule, "cause", lake, rule.cause, facts)
    if rows.is_empty():
        return breach
    first = rows.row(0, named=True)
    share = "" if first.get("share") is None else f" ({float(first['share']):.0%})"
    cause = f"{first['dimension']} {first['name']}{share}"
    return replace(breach, cause=cause if breach.cause is None else f"{cause}; {breach.cause}")

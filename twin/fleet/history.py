"""The fleet's part of a history: what its assistants, its gateways and its providers export, and the truth behind it."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from twin.fleet.billing import billing
from twin.fleet.calendar import calendar, campaigns
from twin.fleet.calls import Calls, calls
from twin.fleet.cases import event_rows, handoff_rows, steps
from twin.fleet.chatgpt import answers
from twin.fleet.demand import demand
from twin.fleet.llms import draw_roster
from twin.fleet.opinions import contradictions, override_opinions
from twin.fleet.orders import command_rows
from twin.fleet.outages import outages
from twin.fleet.skill import Skills, draw_skills
from twin.fleet.status import status_rows
from twin.fleet.systems import OWN, SYSTEMS, recorded_by
from twin.fleet.talks import conversations, evaluations, is_talk
from twin.fleet.tasks import Done, task_rows, task_truth, work_off
from twin.frame import Export, Frame, Part

FOREIGN_REGION: Final = "eu-frankfurt"
_VIOLATIONS: Final = 60
"""Usage rows of 90 days at scale 1 that say they belong to a region where the tenant may keep nothing."""
_USAGE: Final = (
    "usage_id", "occurred_at", "operation_name", "provider_name", "request_model", "assistant_id", "conversation_id",
    "trace_id", "input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens",
    "duration_ms", "time_to_first_chunk_ms", "is_error", "error_type", "reported_cost_usd",
)  # fmt: skip


def fleet_history(frame: Frame, work: pl.DataFrame) -> Part:
    """All that the fleet leaves behind in the frame; `work` is what the brokerage's own life asks of it.

    Sources are named `twin_<assistant or system>`. Nothing that is in `truth` is in an export.
    """
    skills = draw_skills(frame)
    roster = draw_roster(frame, skills)
    spells = outages(frame, skills)
    done = work_off(frame, skills, roster, demand(frame, work), spells)
    system = recorded_by(frame, roster, done)
    made = calls(frame, skills, roster, done, system)
    found = steps(skills, done)
    decisions, right = contradictions(frame, skills, done)
    opinions, overriders = override_opinions(frame, skills, done)
    accounts = billing(frame, made.rows)
    usage, violations = _usage(frame, done, made, system[made.task] == OWN)
    exports = [
        *_usage_exports(skills, usage, system[made.task]),
        *_by_assistant(skills, "task", task_rows(skills, done, _cost_by_task(done, made))),
        *_by_assistant(skills, "conversation", conversations(frame, skills, done, made.trace_ids, system)),
        *_by_assistant(skills, "assistant_status", status_rows(frame, skills, done, spells)),
        *_by_assistant(skills, "ai_decision", decisions),
        *_by_assistant(skills, "handoff", handoff_rows(frame, found), by="from_assistant_id"),
        *_by_assistant(skills, "command", command_rows(frame, skills, found, spells)),
        Export(source="twin_workflows", contract="case_event", rows=event_rows(found)),
        *_judgements(evaluations(frame, skills, done, made.trace_ids)),
        *_chatgpt(answers(frame)),
        *accounts.exports,
    ]
    truth = {
        "assistant_skill": skills.table(),
        "llm_quality": roster.table(skills.task_types),
        "llm_prices": roster.prices,
        "outages": spells.drop("begins_us", "ends_us"),
        "calendar": calendar(frame),
        "campaigns": campaigns(frame),
        "tasks": task_truth(skills, roster, done),
        "contradictions": right,
        "override_opinions": opinions,
        "overriders": overriders,
        "residency_violations": violations,
        **accounts.truth,
    }
    return Part(exports=[one for one in exports if one.rows.height], truth=truth)


def _usage(frame: Frame, done: Done, made: Calls, is_own: np.ndarray) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Usage rows with their conversation and region, and which of the assistants' own break residency."""
    spoken = pl.Series(is_talk(done)[made.task])
    rows = made.rows.with_columns(pl.when(spoken).then("trace_id").alias("conversation_id"))
    draw = frame.draws("residency violations")
    is_wrong = np.zeros(rows.height, dtype=bool)
    may = np.nonzero(is_own)[0]
    is_wrong[draw.choice(may, size=min(frame.count(_VIOLATIONS), len(may)), replace=False)] = True
    rows = rows.with_columns(pl.when(pl.Series(is_wrong)).then(pl.lit(FOREIGN_REGION)).alias("region"))
    return rows, rows.filter(pl.Series(is_wrong)).select("usage_id", "assistant_id", "region", "occurred_at")


def _usage_exports(skills: Skills, rows: pl.DataFrame, system: np.ndarray) -> list[Export]:
    """Each row once: by the gateway or tracer that recorded its task, else by its assistant."""
    own = rows.filter(pl.Series(system == OWN)).select(*_USAGE, "region")
    foreign = [
        Export(source=name, contract="usage", rows=rows.filter(pl.Series(system == place)).with_columns(region=None))
        for place, name in enumerate(SYSTEMS)
    ]
    return [*_by_assistant(skills, "usage", own), *foreign]


def _by_assistant(skills: Skills, contract: str, rows: pl.DataFrame, *, by: str = "assistant_id") -> list[Export]:
    """One export an assistant."""
    parts = rows.partition_by(by, as_dict=True, maintain_order=True)
    ids = [one.assistant_id for one in skills.assistants]
    return [Export(source=f"twin_{name}", contract=contract, rows=parts[name,]) for name in ids if (name,) in parts]


def _judgements(rows: pl.DataFrame) -> list[Export]:
    """Scores as their systems export them: people's and language models' in Langfuse, the programs' own."""
    kinds = {"human": "twin_langfuse_scores", "llm": "twin_langfuse_score_table", "code": "twin_evaluator"}
    return [
        Export(source=source, contract="evaluation", rows=rows.filter(pl.col("evaluator_kind") == kind))
        for kind, source in kinds.items()
    ]


def _chatgpt(rows: pl.DataFrame) -> list[Export]:
    """What employees said to ChatGPT, and their thumbs."""
    return [
        Export(source="twin_chatgpt", contract="usage", rows=rows),
        Export(source="twin_chatgpt", contract="evaluation", rows=rows.filter(pl.col("rating").is_not_null())),
    ]


def _cost_by_task(done: Done, made: Calls) -> pl.Series:
    """What each task's calls cost; null for those without a priced call."""
    costs = (
        pl.DataFrame({"task": made.task, "cost_usd": made.rows["cost_usd"]})
        .group_by("task")
        .agg(pl.col("cost_usd").sum())
    )
    places = pl.DataFrame({"task": np.arange(len(done.state))})
    return places.join(costs, on="task", how="left", maintain_order="left")["cost_usd"].cast(pl.Decimal(18, 9))

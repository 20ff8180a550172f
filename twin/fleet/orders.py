"""Commands as assistants exported them: tasks they were told to do, and what was ordered when one was down or slow."""

from __future__ import annotations

import json
from typing import Final

import polars as pl

from contracts.messages.assistants import CONTROL
from twin.fleet.skill import Skills
from twin.frame import Frame

_ORDERED_SHARE: Final = 0.25
_ACTOR: Final = "aurora"
_DEADLINE: Final = pl.duration(minutes=20)
_MEASURES: Final = {
    "down": (("notify", "backup"), ("sync", "self")),
    "degraded": (("tune", "self"), ("set_threshold", "self"), ("pause", "self"), ("resume", "self")),
}
"""What is ordered for an outage, and of whom; what a control level does not allow is refused."""


def command_rows(frame: Frame, skills: Skills, steps: pl.DataFrame, spells: pl.DataFrame) -> pl.DataFrame:
    """Rows of the contract `command`, each in its last state."""
    levels = pl.DataFrame(
        {
            "assistant_id": [one.assistant_id for one in skills.assistants],
            "control_level": [one.control_level for one in skills.assistants],
            "allowed_command_kinds": [json.dumps(sorted(CONTROL[one.control_level])) for one in skills.assistants],
        }
    )
    found = pl.concat([_tasks(frame, steps), _measures(skills, spells)]).join(
        levels, on="assistant_id", how="left", maintain_order="left"
    )
    allowed = pl.any_horizontal(
        [
            (pl.col("control_level") == level) & pl.col("command_kind").is_in(sorted(kinds))
            for level, kinds in CONTROL.items()
        ]
    )
    done = pl.when(~allowed).then(pl.lit("refused")).otherwise("command_state")
    return found.with_columns(
        done.alias("command_state"),
        pl.when(~allowed).then(pl.lit("control_level")).otherwise("error_type").alias("error_type"),
        pl.when(~allowed).then("issued_at").otherwise("completed_at").alias("completed_at"),
        pl.lit(_ACTOR).alias("actor_id"),
        pl.col("command_id").alias("idempotency_key"),
        (pl.col("issued_at") + _DEADLINE).alias("deadline_at"),
        pl.lit(value=True).alias("is_sample"),
    ).with_columns(
        (pl.col("completed_at") - pl.col("issued_at")).dt.total_milliseconds().alias("duration_ms"),
        pl.coalesce("completed_at", "issued_at").alias("updated_at"),
    )


def _tasks(frame: Frame, steps: pl.DataFrame) -> pl.DataFrame:
    """Some of the cases' tasks were ordered by command."""
    draw = frame.draws("commands")
    mine = steps.filter(pl.Series(draw.random(steps.height) < _ORDERED_SHARE))
    state = (
        pl.when("is_failed").then(pl.lit("failed")).when("is_over").then(pl.lit("completed"))
        .when("is_begun").then(pl.lit("accepted")).otherwise(pl.lit("issued"))
    )  # fmt: skip
    return mine.select(
        pl.format("command-{}", "task_id").alias("command_id"),
        "assistant_id",
        pl.lit("run_task").alias("command_kind"),
        state.alias("command_state"),
        "case_id",
        "task_id",
        (1 + pl.col("is_moved").cast(pl.Int64)).alias("attempt_count"),
        pl.when("is_failed").then(pl.lit("task_failed")).alias("error_type"),
        pl.col("requested_at").alias("issued_at"),
        pl.when("is_over").then("ended_at").alias("completed_at"),
    )


def _measures(skills: Skills, spells: pl.DataFrame) -> pl.DataFrame:
    backups = {one.assistant_id: one.backup_assistant_id for one in skills.assistants}
    rows = [
        (f"command-{row['assistant_id']}-{row['begins_us']}-{kind}", to, kind, row["begins_at"])
        for row in spells.iter_rows(named=True)
        for kind, whom in _MEASURES[row["outage_kind"]]
        if (to := row["assistant_id"] if whom == "self" else backups[row["assistant_id"]])
    ]
    schema = {
        "command_id": pl.String(),
        "assistant_id": pl.String(),
        "command_kind": pl.String(),
        "issued_at": pl.Datetime("us", "UTC"),
    }
    none = pl.lit(None, dtype=pl.String)
    return pl.DataFrame(rows, schema=schema, orient="row").select(
        "command_id",
        "assistant_id",
        "command_kind",
        pl.lit("completed").alias("command_state"),
        none.alias("case_id"),
        none.alias("task_id"),
        pl.lit(1, dtype=pl.Int64).alias("attempt_count"),
        none.alias("error_type"),
        "issued_at",
        (pl.col("issued_at") + pl.duration(seconds=1)).alias("completed_at"),
    )

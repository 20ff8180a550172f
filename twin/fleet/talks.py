"""Conversations: what the fleet's tasks were to the people they were for, and what was thought of the answers."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from twin.fleet.skill import Skills
from twin.fleet.systems import SYSTEMS
from twin.fleet.tasks import CANCELED, COMPLETED, Done
from twin.frame import Frame
from twin.ids import of_list, texts, times

_SPOKEN: Final = (
    "client_messaging", "support_request", "lead_follow_up", "lead_qualification", "viewing_scheduling", "hr_question",
)  # fmt: skip
"""Task types that are conversations."""
_CHANNELS: Final = ("whatsapp", "chat", "email", "voice", "portal")
_CHANNEL_SHARES: Final = (0.42, 0.22, 0.16, 0.12, 0.08)
_CLIENTS: Final = 9000
_JUDGED_SHARE: Final = 0.07
_NOISE: Final = {"human": 0.17, "llm": 0.1, "code": 0.04}
_LENIENT_LLM: Final = 0.06
"""A language model that judges is kinder than a person."""


def is_talk(done: Done) -> np.ndarray:
    """Tasks that were a conversation with somebody and are over."""
    is_over = done.is_begun & (done.state <= CANCELED)
    found: np.ndarray = done.asked["task_type"].is_in(list(_SPOKEN)).to_numpy() & is_over
    return found


def conversations(frame: Frame, skills: Skills, done: Done, trace_ids: pl.Series, system: np.ndarray) -> pl.DataFrame:
    """Rows of the contract `conversation`; Langfuse tells its own by itself."""
    draw = frame.draws("conversations")
    itself = SYSTEMS.index("twin_langfuse")
    mine = np.nonzero(is_talk(done) & (system != itself))[0]
    count = len(mine)
    clients = texts("client-", draw.integers(0, max(50, round(_CLIENTS * frame.scale)), count))
    subjects = done.asked["subject_id"].gather(mine)
    return pl.DataFrame(
        {
            "conversation_id": trace_ids.gather(mine),
            "assistant_id": of_list([one.assistant_id for one in skills.assistants], done.assistant[mine]),
            "user_id": pl.select(pl.coalesce(subjects, clients)).to_series(),
            "channel": of_list(list(_CHANNELS), draw.choice(len(_CHANNELS), count, p=_CHANNEL_SHARES)),
            "started_at": times(done.requested_us[mine]),
            "ended_at": times(done.ended_us[mine]),
            "turn_count": 2 * (1 + draw.poisson(1.4, count)),
            "is_error": done.state[mine] != COMPLETED,
        }
    )


def evaluations(frame: Frame, skills: Skills, done: Done, trace_ids: pl.Series) -> pl.DataFrame:
    """Rows of the contract `evaluation`: noisy looks at the true quality of some tasks' answers."""
    draw = frame.draws("evaluations")
    settled = np.nonzero(done.is_settled & ~np.isnan(done.quality))[0]
    mine = np.sort(draw.choice(settled, size=round(len(settled) * _JUDGED_SHARE), replace=False))
    kinds = list(_NOISE)
    kind = draw.choice(len(kinds), len(mine), p=(0.35, 0.5, 0.15))
    noise = draw.normal(0, 1, len(mine)) * np.array(list(_NOISE.values()))[kind]
    score = np.clip(done.quality[mine] + noise + np.where(kind == kinds.index("llm"), _LENIENT_LLM, 0.0), 0, 1).round(3)
    later = draw.exponential(3600e6 * 5, len(mine)).astype(np.int64)
    at = times(done.ended_us[mine] + later // 1000 * 1000)
    traces = trace_ids.gather(mine)
    return pl.DataFrame(
        {
            "evaluation_id": pl.select(pl.format("twin-score-{}", done.task_ids.gather(mine))).to_series(),
            "occurred_at": at,
            "updated_at": at,
            "evaluation_name": of_list(["helpfulness", "groundedness", "form"], kind),
            "score_value": score,
            "score_label": of_list(["fail", "pass"], (score >= 0.5).astype(np.int64)),
            "evaluator_kind": of_list(kinds, kind),
            "trace_id": traces,
            "assistant_id": of_list([one.assistant_id for one in skills.assistants], done.assistant[mine]),
        }
    ).filter(pl.col("occurred_at") < frame.until)

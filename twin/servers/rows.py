"""What a live assistant writes down: rows of the contracts `task`, `conversation`, `usage` and `assistant_status`."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from aurora.ingest.sample_operations import Operation, chosen_llm, new_trace_id, operation
from contracts.messages.assistants import StatusReply
from twin.servers.clock import moment
from twin.servers.skills import Skill
from twin.servers.work import Work

Stamp = Callable[[float], float]
"""Brings a moment of the life to the one that is written down."""
Row = dict[str, Any]

_TALKED_SHARE: Final = 0.52
_CHANNELS: Final = ("chat", "whatsapp", "voice", "email", "portal")
_CLIENTS: Final = 700
_MAX_CALLS: Final = 60


def task_row(work: Work, assistant_id: str, *, at: float, stamp: Stamp) -> Row:
    """The state that `work` came to at `at`."""
    ended = work.ended_at if work.is_final else None
    is_done = work.started_at is not None and ended is not None
    return {
        "task_id": work.task_id,
        "case_id": work.case_id,
        "assistant_id": assistant_id,
        "task_type": work.task_type,
        "task_state": work.state,
        "priority": work.priority,
        "privacy_class": work.privacy_class,
        "submitted_at": moment(stamp(work.submitted_at)),
        "started_at": None if work.started_at is None else moment(stamp(work.started_at)),
        "completed_at": None if ended is None else moment(stamp(ended)),
        "updated_at": moment(stamp(at)),
        "duration_ms": _ms(stamp(ended) - stamp(work.started_at or ended)) if is_done and ended is not None else None,
        "cost_usd": f"{work.cost_usd:.6f}" if is_done else None,
        "quality": work.quality if is_done else None,
        "is_success": work.is_success if is_done else None,
        "is_sample": work.is_sample,
        "decision_id": work.decision_id,
    }


def talk_rows(
    work: Work, assistant_id: str, skill: Skill, draw: random.Random, *, stamp: Stamp
) -> Iterator[tuple[str, Row]]:
    """The conversation that the work took, if any, and its calls of language models, by contract.

    Calls follow one another through the time at work.
    """
    if work.started_at is None or work.ended_at is None or work.ended_at <= work.started_at:
        return
    talk_id = new_trace_id(draw)
    count = max(1, min(_MAX_CALLS, round(draw.expovariate(1 / skill.call_count))))
    is_talk = draw.random() < _TALKED_SHARE
    slot = (work.ended_at - work.started_at) / count
    for number in range(count):
        at = work.started_at + number * slot
        call = operation(
            draw,
            at=moment(stamp(at)),
            assistant_id=assistant_id,
            trace_id=talk_id,
            conversation_id=talk_id,
            llm=chosen_llm(draw),
        )
        most = max(1, _ms(stamp(at + slot) - stamp(at)))
        call = replace(call, duration_ms=most, first_chunk_ms=min(call.first_chunk_ms, most))
        yield "usage", _usage_row(call, work, talk_id if is_talk else None)
    if is_talk:
        yield (
            "conversation",
            {
                "conversation_id": talk_id,
                "assistant_id": assistant_id,
                "user_id": f"client-{draw.randrange(_CLIENTS):03d}",
                "channel": draw.choice(_CHANNELS),
                "started_at": moment(stamp(work.started_at)),
                "ended_at": moment(stamp(work.ended_at)),
                "turn_count": 2 * count,
                "is_error": work.state == "failed",
            },
        )


def _usage_row(call: Operation, work: Work, conversation_id: str | None) -> Row:
    return {
        "usage_id": call.operation_id,
        "occurred_at": call.at,
        "operation_name": call.operation_name,
        "provider_name": call.provider_name,
        "request_model": call.llm,
        "response_model": call.llm,
        "input_tokens": call.input_tokens,
        "output_tokens": call.output_tokens,
        "cache_read_input_tokens": call.cache_read_tokens or None,
        "duration_ms": call.duration_ms,
        "time_to_first_chunk_ms": call.first_chunk_ms,
        "is_error": call.error_type is not None,
        "error_type": call.error_type,
        "conversation_id": conversation_id,
        "trace_id": call.trace_id,
        "assistant_id": call.assistant_id,
        "decision_id": work.decision_id,
    }


def status_row(status: StatusReply, *, at: float) -> Row:
    """What the assistant says of itself at `at`, the life's moment."""
    return {
        "assistant_id": status.assistant_id,
        "assistant_state": status.assistant_state,
        "uptime_share": status.uptime_share,
        "error_share": status.error_share,
        "latency_p95_ms": round(status.latency.p95_ms),
        "open_task_count": status.open_task_count,
        "performance_score": status.performance_score,
        "updated_at": moment(at),
        "is_sample": True,
    }


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))

"""Made-up AI operations that sample files are written from: the same seed gives the same ones.

Language models are priced ones of the day, in the shares a brokerage's fleet would use them.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

START: Final = dt.datetime(2026, 9, 1, 8, tzinfo=dt.UTC)
"""When samples begin that nobody gave a time for."""

_ERRORS: Final = ("timeout", "rate_limit_exceeded", "server_error")


@dataclass(frozen=True, slots=True)
class SampleLlm:
    """A language model with its share of calls and typical size: tokens in and out, ms a call."""

    provider_name: str
    llm: str
    operation_name: str
    weight: int
    input_tokens: int
    output_tokens: int
    duration_ms: int
    error_share: float = 0.02


LLMS: Final = (
    SampleLlm("openai", "gpt-5-mini", "chat", 26, 1400, 320, 2300),
    SampleLlm("openai", "gpt-4o-mini", "chat", 22, 900, 210, 1300),
    SampleLlm("azure.ai.openai", "gpt-4.1-mini", "chat", 12, 1200, 260, 1700, 0.015),
    SampleLlm("anthropic", "claude-haiku-4-5", "chat", 14, 1800, 380, 1900, 0.025),
    SampleLlm("anthropic", "claude-sonnet-4-5", "chat", 7, 3200, 700, 5200, 0.03),
    SampleLlm("gcp.gemini", "gemini-2.5-flash", "generate_content", 11, 1500, 340, 1500, 0.02),
    SampleLlm("openai", "text-embedding-3-small", "embeddings", 8, 420, 0, 180, 0.005),
)
UNLISTED: Final = SampleLlm("in_house", "villa-writer-7b", "chat", 0, 800, 240, 2600, 0.06)
"""Served by the brokerage itself: in no price list, so its calls are unpriced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One made-up AI operation."""

    operation_id: str
    trace_id: str
    conversation_id: str
    assistant_id: str
    at: dt.datetime
    operation_name: str
    provider_name: str
    llm: str
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int
    duration_ms: int
    first_chunk_ms: int
    error_type: str | None = None
    cost_usd: float | None = None
    """What it cost, for formats that log a cost; where it is None they make one up."""

    @property
    def ended_at(self) -> dt.datetime:
        """When the last byte came."""
        return self.at + dt.timedelta(milliseconds=self.duration_ms)


def operation(
    draw: random.Random, *, at: dt.datetime, assistant_id: str, trace_id: str, conversation_id: str, llm: SampleLlm
) -> Operation:
    """One call of `llm`, with sizes spread around its typical ones; a failed call has no tokens."""
    duration_ms = max(20, int(llm.duration_ms * draw.lognormvariate(0, 0.45)))
    error = draw.choice(_ERRORS) if draw.random() < llm.error_share else None
    inputs = max(1, int(llm.input_tokens * draw.lognormvariate(0, 0.6)))
    outputs = max(1, int(llm.output_tokens * draw.lognormvariate(0, 0.6))) if llm.output_tokens else 0
    is_cached = bool(llm.output_tokens) and draw.random() < 0.3
    return Operation(
        operation_id=f"{draw.getrandbits(64) | 1:016x}",
        trace_id=trace_id,
        conversation_id=conversation_id,
        assistant_id=assistant_id,
        at=at,
        operation_name=llm.operation_name,
        provider_name=llm.provider_name,
        llm=llm.llm,
        input_tokens=None if error else inputs,
        output_tokens=None if error else outputs,
        cache_read_tokens=inputs // 2 if is_cached and not error else 0,
        duration_ms=duration_ms,
        first_chunk_ms=max(10, duration_ms // draw.randrange(3, 8)),
        error_type=error,
    )


def chosen_llm(draw: random.Random) -> SampleLlm:
    """A language model by its share of calls."""
    return draw.choices(LLMS, weights=[llm.weight for llm in LLMS])[0]


def new_trace_id(draw: random.Random) -> str:
    """A trace id as OpenTelemetry writes them."""
    return f"{draw.getrandbits(128) | 1:032x}"


def sample_operations(row_count: int, *, seed: int, is_alone: bool = False) -> list[Operation]:
    """`row_count` operations, one to four a conversation, or one each where `is_alone`."""
    draw = random.Random(seed)
    found: list[Operation] = []
    at = START
    while len(found) < row_count:
        trace_id = new_trace_id(draw)
        size = 1 if is_alone else draw.randrange(1, 5)
        for _ in range(min(size, row_count - len(found))):
            at += dt.timedelta(milliseconds=draw.randrange(500, 240_000))
            found.append(
                operation(
                    draw,
                    at=at,
                    assistant_id=f"assistant-{draw.randrange(16)}",
                    trace_id=trace_id,
                    conversation_id=trace_id,
                    llm=chosen_llm(draw),
                )
            )
    return found


def conversations(operations: Sequence[Operation]) -> list[tuple[str, list[Operation]]]:
    """Operations by trace, in the order in which the traces began."""
    found: dict[str, list[Operation]] = {}
    for one in operations:
        found.setdefault(one.trace_id, []).append(one)
    return list(found.items())

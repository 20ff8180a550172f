"""Langfuse's records as typed structs: what is read of them, in the types that plain ones have, in both spellings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from aurora.ingest import langfuse


class Attributes(Struct, gc=False):
    """What instrumentations leave in an observation's metadata."""

    provider: str | None = msgspec.field(default=None, name="gen_ai.provider.name")
    system: str | None = msgspec.field(default=None, name="gen_ai.system")
    llm_provider: str | None = msgspec.field(default=None, name="llm.provider")
    llm_system: str | None = msgspec.field(default=None, name="llm.system")
    agent_id: str | None = msgspec.field(default=None, name="gen_ai.agent.id")
    agent_name: str | None = msgspec.field(default=None, name="gen_ai.agent.name")


class Metadata(Struct, gc=False):
    """Metadata as far as it is read."""

    attributes: Attributes | None = None
    ls_provider: str | None = None


class Observation(Struct, gc=False):
    """What is read of an observation; `_decoder` makes a struct of each spelling of it."""

    id: str
    type: str
    trace_id: str | None = None
    parent_observation_id: str | None = None
    start_time: str | None = None
    end_time: str | None = None
    model: str | None = None
    provided_model_name: str | None = None
    usage_details: dict[str, int | None] | None = None
    usage: dict[str, Any] | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    cost_details: dict[str, float | None] | None = None
    calculated_total_cost: float | None = None
    total_cost: float | None = None
    completion_start_time: str | None = None
    time_to_first_token: float | None = None
    level: str | None = None
    status_message: str | None = None
    metadata: Metadata | None = None
    session_id: str | None = None
    user_id: str | None = None


class Trace(Struct, gc=False, rename="camel"):
    """What is read of a trace."""

    id: str | None = None
    session_id: str | None = None
    user_id: str | None = None
    timestamp: str | None = None
    other_session_id: None = msgspec.field(default=None, name="session_id")
    other_user_id: None = msgspec.field(default=None, name="user_id")


class PlainDocument(Struct, gc=False):
    """Enough of a document to tell what it is; what it holds is decoded later, so that its text is at hand."""

    observations: list[Raw] | UnsetType = UNSET
    trace: Raw | UnsetType = UNSET
    traceId: str | UnsetType = UNSET  # noqa: N815 - Langfuse's name
    trace_id: str | UnsetType = UNSET
    type: str | UnsetType = UNSET


DOCUMENTS: Final = msgspec.json.Decoder(PlainDocument)
TRACES: Final = msgspec.json.Decoder(Trace)
NO_METADATA: Final = Metadata()
NO_ATTRIBUTES: Final = Attributes()
NO_TRACE: Final = Trace()


def _decoder(rename: Callable[[str], str], other: Callable[[str], str]) -> msgspec.json.Decoder[Any]:
    """Of observations in one spelling; a value under a name in the other one is not plain."""
    fields = msgspec.structs.fields(Observation)
    own = [
        (one.name, one.type)
        if one.required
        else (one.name, one.type, msgspec.field(default=None, name=rename(one.name)))
        for one in fields
    ]
    others = [
        (f"other_{one.name}", None, msgspec.field(default=None, name=other(one.name)))
        for one in fields
        if "_" in one.name
    ]
    return msgspec.json.Decoder(msgspec.defstruct("PlainObservation", [*own, *others], gc=False))


CAMEL: Final = _decoder(langfuse.camel, str)
SNAKE: Final = _decoder(str, langfuse.camel)

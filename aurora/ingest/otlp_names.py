"""What instrumentations call the facts of a GenAI span, the present OpenTelemetry name first.

Older OpenTelemetry names (up to 1.36), OpenLLMetry (`llm.usage.*`, `traceloop.*`), OpenInference (`llm.token_count.*`,
`openinference.span.kind`) and Vercel's AI SDK (`ai.*`). A fact is taken from the first of its names that has a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from aurora.ingest import foreign

TEXTS: Final = {
    "provider_name": ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ai.model.provider"),
    "request_model": (
        "gen_ai.request.model",
        "llm.request.model_name",
        "llm.model_name",
        "embedding.model_name",
        "reranker.model_name",
        "ai.model.id",
    ),
    "response_model": ("gen_ai.response.model", "llm.response.model_name", "ai.response.model"),
    "assistant_id": ("gen_ai.agent.id", "gen_ai.agent.name", "agent.name"),
    "conversation_id": (
        "gen_ai.conversation.id",
        "session.id",
        "langfuse.session.id",
        "ai.telemetry.metadata.sessionId",
    ),
    "user_id": ("user.id", "enduser.id", "llm.user", "langfuse.user.id", "ai.telemetry.metadata.userId"),
    "decision_id": ("aurora.decision.id",),
}
COUNTS: Final = {
    "input_tokens": (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.usage.prompt_tokens",
        "llm.token_count.prompt",
        "ai.usage.inputTokens",
        "ai.usage.promptTokens",
        "ai.usage.tokens",
    ),
    "output_tokens": (
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.usage.completion_tokens",
        "llm.token_count.completion",
        "ai.usage.outputTokens",
        "ai.usage.completionTokens",
    ),
    "cache_read_input_tokens": (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "llm.token_count.prompt_details.cache_read",
        "ai.usage.inputTokenDetails.cacheReadTokens",
        "ai.usage.cachedInputTokens",
    ),
    "cache_creation_input_tokens": (
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "llm.token_count.prompt_details.cache_write",
        "ai.usage.inputTokenDetails.cacheWriteTokens",
    ),
    "reasoning_output_tokens": (
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_tokens",
        "llm.usage.reasoning_tokens",
        "llm.token_count.completion_details.reasoning",
        "ai.usage.outputTokenDetails.reasoningTokens",
        "ai.usage.reasoningTokens",
    ),
}
FIRST_CHUNK_S: Final = ("gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token")
FIRST_CHUNK_MS: Final = ("ai.response.msToFirstChunk",)
COST: Final = ("gen_ai.usage.cost", "gen_ai.usage.total_cost", "llm.cost.total")
OPERATION: Final = (
    "gen_ai.operation.name",
    "llm.request.type",
    "openinference.span.kind",
    "traceloop.span.kind",
    "ai.operationId",
)
TOOL_NAME: Final = "gen_ai.tool.name"
GEN_AI: Final = "gen_ai."
MARKS: Final = ("llm.", "openinference.span.kind", "traceloop.span.kind", "ai.operationId", "ai.model.id")
"""Beginnings of the names, beside OpenTelemetry's, that tell a GenAI span."""

_NO_OPERATION: Final = ""
_OPERATIONS: Final = {
    "completion": "text_completion",
    "embedding": "embeddings",
    "text_generation": "chat",
    "unknown": "chat",
    # OpenInference
    "LLM": "chat",
    "EMBEDDING": "embeddings",
    "RETRIEVER": "retrieval",
    "RERANKER": "rerank",
    "TOOL": "execute_tool",
    "AGENT": "invoke_agent",
    "GUARDRAIL": "moderation",
    "CHAIN": _NO_OPERATION,
    "PROMPT": _NO_OPERATION,
    "EVALUATOR": _NO_OPERATION,
    "UNKNOWN": _NO_OPERATION,
    # OpenLLMetry
    "workflow": "invoke_workflow",
    "agent": "invoke_agent",
    "tool": "execute_tool",
    "task": _NO_OPERATION,
    # Vercel's AI SDK: the outer span stands for the loop of calls inside it
    "ai.generateText": "invoke_agent",
    "ai.streamText": "invoke_agent",
    "ai.generateObject": "invoke_agent",
    "ai.streamObject": "invoke_agent",
    "ai.toolCall": "execute_tool",
    "ai.embed": "embeddings",
    "ai.embedMany": "embeddings",
    "ai.rerank": "rerank",
}
_PROVIDERS: Final = {
    "az.ai.openai": "azure.ai.openai",
    "az.ai.inference": "azure.ai.inference",
    "azure": "azure.ai.openai",
    "azure-openai": "azure.ai.openai",
    "vertex_ai": "gcp.vertex_ai",
    "vertexai": "gcp.vertex_ai",
    "gemini": "gcp.gemini",
    "google": "gcp.gen_ai",
    "google.generative-ai": "gcp.gemini",
    "google.vertex": "gcp.vertex_ai",
    "aws": "aws.bedrock",
    "bedrock": "aws.bedrock",
    "amazon-bedrock": "aws.bedrock",
    "mistralai": "mistral_ai",
    "mistral": "mistral_ai",
    "xai": "x_ai",
    "watsonx": "ibm.watsonx.ai",
}
_VERCEL_SERVICES: Final = (".chat", ".responses", ".messages", ".completion", ".embedding", ".embeddings")


def is_genai(names: Iterable[str]) -> bool:
    """Whether a span with attributes of these names is an AI operation's."""
    return any(name.startswith((GEN_AI, *MARKS)) for name in names)


def operation_name(given: str | None, attributes: Mapping[str, Any]) -> str | None:
    """OpenTelemetry's name of the operation; None for a step that is none.

    What an older instrumentation left out is told by what the span carries.
    """
    if given is None:
        return "execute_tool" if TOOL_NAME in attributes else "chat"
    known = _OPERATIONS.get(given)
    if known is None:
        return "embeddings" if given.startswith("ai.embed") else "chat" if given.startswith("ai.") else given
    if known == _NO_OPERATION:  # a step that has tokens of its own is a call after all
        return "chat" if foreign.first(attributes, COUNTS["input_tokens"]) is not None else None
    return known


def provider_name(given: str | None) -> str | None:
    """OpenTelemetry's name of a provider that an instrumentation names in its own way."""
    if given is None:
        return None
    name = given.lower()
    for end in _VERCEL_SERVICES:
        name = name.removesuffix(end)
    return _PROVIDERS.get(name, name)

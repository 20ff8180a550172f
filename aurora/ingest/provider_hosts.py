"""Who answered and what was asked, told from a recorded call: its host, its path, the body's shape."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

_PROVIDERS: Final = {
    "api.openai.com": "openai",
    "openai.azure.com": "azure.ai.openai",
    "services.ai.azure.com": "azure.ai.inference",
    "models.ai.azure.com": "azure.ai.inference",
    "api.anthropic.com": "anthropic",
    "amazonaws.com": "aws.bedrock",
    "api.cohere.com": "cohere",
    "api.cohere.ai": "cohere",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "api.mistral.ai": "mistral_ai",
    "api.groq.com": "groq",
    "api.together.xyz": "together",
    "api.together.ai": "together",
    "api.fireworks.ai": "fireworks",
    "api.deepseek.com": "deepseek",
    "api.x.ai": "x_ai",
    "api.perplexity.ai": "perplexity",
    "api.voyageai.com": "voyageai",
    "api.replicate.com": "replicate",
    "ml.cloud.ibm.com": "ibm.watsonx.ai",
    "openrouter.ai": "openrouter",
    "api.writer.com": "writer",
    "pinecone.io": "pinecone",
}
"""OpenTelemetry's name by the end of the host; a host that is not here is its own provider."""

_BY_OBJECT: Final = {
    "chat.completion": "chat",
    "chat.completion.chunk": "chat",
    "text_completion": "text_completion",
    "response": "chat",
    "thread.run": "invoke_agent",
    "message": "chat",
    "message_delta": "chat",
    "message_start": "chat",
    "message-end": "chat",
}
_BY_PATH: Final = tuple(
    (re.compile(pattern), operation)
    for pattern, operation in (
        (r"/embed(dings|_jobs)?(/|$)|:(batch)?embedcontents?|/api/embed|\.(titan-)?embed", "embeddings"),
        (r"/rerank", "rerank"),
        (r"/moderations", "moderation"),
        (r"/images/", "image_generation"),
        (r"/audio/speech", "speech"),
        (r"/audio/(transcriptions|translations)", "transcription"),
        (r":(stream)?generatecontent", "generate_content"),
        (r"/chat/completions|/v[12]/chat$|/messages|/responses|/converse|/api/chat|/text/chat", "chat"),
        (r"/threads/(.*/)?runs", "invoke_agent"),
        (r"/completions|/api/generate|/text/generation|/v1/generate|/predictions", "text_completion"),
        (r"^/model/.*/invoke", "text_completion"),
        (r"^/(query|vectors/query)|/vector_stores/.*/search", "retrieval"),
    )
)


def host_of(given: str) -> str:
    """The host without the port that https has anyway."""
    return given.strip().lower().removesuffix(":443")


def provider_of(host: str) -> str | None:
    """OpenTelemetry's name of who serves `host`; the host itself where it is not known."""
    return next((name for end, name in _PROVIDERS.items() if host == end or host.endswith("." + end)), host or None)


def operation_of(path: str, body: Mapping[str, Any]) -> str | None:
    """What was asked, by what the body calls itself, else by the path; None for what is no AI operation."""
    for name in ("object", "type"):
        kind = body.get(name)
        if isinstance(kind, str) and kind in _BY_OBJECT:
            return _BY_OBJECT[kind]
    plain = path.partition("?")[0].partition("#")[0].lower()
    found = next((operation for pattern, operation in _BY_PATH if pattern.search(plain)), None)
    return "chat" if found == "text_completion" and isinstance(body.get("output"), dict) else found


def path_llm(path: str) -> str | None:
    """The language model that a path names, as Bedrock's and Google's do; of an ARN its last part."""
    named = re.search(r"/model/(.+?)/(?:invoke|converse)|/models/([^/:]+):", path)
    return (named[1] or named[2]).rsplit("/", 1)[-1] if named else None

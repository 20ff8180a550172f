"""The API's one OpenAPI document: FastAPI's routes, the raw routes, and every message from its Struct."""

from __future__ import annotations

import sys
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from apps.api import messages
from apps.api.caller import DOCUMENTED, PROBLEM_ANSWER
from apps.api.dispatch import DECISIONS
from apps.api.problems import PROBLEMS
from aurora.identity.keys import Scope
from contracts.messages import decisions
from contracts.messages.decisions import KIND_OF

Document = dict[str, Any]

_SUMMARY = "Decisions of a fleet of AI assistants: who takes a task, which language model answers, and the proof."
_DESCRIPTION = (
    "Send `Authorization: Bearer aur_...`; the tenant follows from the key. Times are RFC 3339 in UTC, amounts are "
    "decimal strings in US dollars. Errors are problem+json (RFC 9457) with `errors[]` and one `next_step`. "
    "`traceparent` is taken and returned. Replies carry RateLimit and RateLimit-Policy."
)
_HOT: tuple[Any, ...] = (
    decisions.BatchRequest,
    decisions.DecisionRequest,
    decisions.OutcomeRequest,
    decisions.OverrideRequest,
    messages.BatchAnswer,
    messages.DecisionHistory,
    messages.DecisionPage,
    messages.Fleet,
    messages.Problem,
    messages.TenantStatus,
)
"""Messages of the routes that FastAPI does not know, and of every error."""
_TASK = {"kind": "route_task", "task_type": "property_matching", "task_id": "task-1", "priority": "high"}
_PROMPT = {"kind": "route_llm", "prompt": "What is the title deed fee in Dubai?", "min_quality": 0.7}
_CONFLICT = {
    "kind": "resolve_conflict",
    "subject_id": "task-77",
    "topic": "kyc_check",
    "recommendations": [
        {"assistant_id": "laila", "action": "kyc_hold", "confidence": 0.7},
        {"assistant_id": "amira", "action": "kyc_pass", "confidence": 0.9},
    ],
}
_OUTCOME = {"is_success": True, "cost_usd": "0.012", "duration_ms": 1840}
_OVERRIDE = {"action": "human", "reason": "The client asked for a person."}
_KEY = {"actor_id": "propertygpt", "scopes": ["decide", "outcome", "read"], "label": "production"}


def document(app: FastAPI) -> Document:
    """The whole document; made once an app."""
    if not hasattr(app.state, "openapi"):
        app.state.openapi = _made(app)
    found: Document = app.state.openapi
    return found


def _made(app: FastAPI) -> Document:
    found = get_openapi(
        title="Aurora", version=app.version, summary=_SUMMARY, description=_DESCRIPTION, routes=app.routes
    )
    for path, operations in _raw_paths().items():
        found["paths"][path] = {**operations, **found["paths"].get(path, {})}
    found["paths"] = dict(sorted(found["paths"].items()))
    found["paths"]["/api/v1/keys"]["post"]["requestBody"]["content"]["application/json"]["example"] = _KEY
    found["paths"]["/api/v1/keys"]["post"]["parameters"] = [_header("Idempotency-Key", _IDEMPOTENCY)]
    found["components"] = {
        "schemas": _schemas(),
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer", "description": "An API key; `x-scope` is what it needs."}
        },
    }
    return found


def _schemas() -> Document:
    published = (*_HOT, *DOCUMENTED)
    _, found = msgspec.json.schema_components(published, ref_template="#/components/schemas/{name}")
    rooms = [sys.modules[name] for name in dict.fromkeys(getattr(one, "__module__", "types") for one in published)]
    for name, schema in found.items():
        owner = next((getattr(room, name) for room in rooms if hasattr(room, name)), None)
        for attribute, text in _attribute_docs(owner).items():
            if attribute in schema.get("properties", {}):
                schema["properties"][attribute]["description"] = text
    return found


def _attribute_docs(owner: type | None) -> dict[str, str]:
    from apps.reference import attribute_docs  # reads source files: only when somebody asks for the document

    return {} if owner is None else attribute_docs(owner)


_IDEMPOTENCY = "The same key with the same request gets the same answer, and nothing happens twice."


def _raw_paths() -> Document:
    """The routes of `apps.api.hot_routes`, which FastAPI does not know."""
    one = DECISIONS + "/{decision_id}"
    return {
        DECISIONS: {
            "post": _raw(
                "Decide",
                "Who takes a task, which language model answers, whose word is followed, what moves or changes. The receipt is "
                "on the disk before it is sent.",
                scope="decide",
                answer=(201, "Decision"),
                takes={
                    "oneOf": [_ref(kind.__name__) for kind in KIND_OF],
                    "discriminator": {
                        "propertyName": "kind",
                        "mapping": {name: f"#/components/schemas/{kind.__name__}" for kind, name in KIND_OF.items()},
                    },
                },
                examples={"a task": _TASK, "a prompt": _PROMPT, "a conflict": _CONFLICT},
            )
        },
        DECISIONS + ":batch": {
            "post": _raw(
                "Decide a batch",
                "Up to 500 requests of any kind at once, durable together under one idempotency key. Each is answered "
                "by itself: one that cannot be decided has a problem in its place and leaves the others alone.",
                scope="decide",
                answer=(200, "BatchAnswer"),
                takes=_ref("BatchRequest"),
                examples={"two at once": {"requests": [_TASK, _PROMPT]}},
            )
        },
        one: {
            "get": _raw(
                "Read a decision",
                "The receipt with the outcomes and overrides that followed it.",
                scope="read",
                answer=(200, "DecisionHistory"),
            )
        },
        one + "/outcomes": {
            "post": _raw(
                "Report an outcome",
                "What came of a decision. Routing learns from it.",
                scope="outcome",
                answer=(201, "Outcome"),
                takes=_ref("OutcomeRequest"),
                examples={"an outcome": _OUTCOME},
            )
        },
        one + "/overrides": {
            "post": _raw(
                "Override a decision",
                "A person's choice in its place, with the reason. What a rule forbids stays forbidden: 403.",
                scope="override",
                answer=(201, "Override"),
                takes=_ref("OverrideRequest"),
                examples={"an override": _OVERRIDE},
            )
        },
    }


def _raw(
    summary: str,
    description: str,
    *,
    scope: Scope,
    answer: tuple[int, str],
    takes: Document | None = None,
    examples: dict[str, Document] | None = None,
) -> Document:
    status, name = answer
    operation: Document = {
        "tags": ["decisions"],
        "summary": summary,
        "description": description,
        "operationId": summary.lower().replace(" ", "_"),
        "security": [{"bearer": []}],
        "x-scope": scope,
        "parameters": [_header("traceparent", "W3C trace context; the reply continues it.")],
        "responses": {
            str(status): {
                "description": HTTPStatus(status).phrase,
                "content": {"application/json": {"schema": _ref(name)}},
            },
            **{str(code): _problem(code) for code in _refusals(is_post=takes is not None)},
        },
    }
    if takes is not None:
        named = {key: {"value": value} for key, value in (examples or {}).items()}
        content = {"application/json": {"schema": takes, "examples": named}}
        operation["requestBody"] = {"required": True, "content": content}
        operation["parameters"].append(_header("Idempotency-Key", _IDEMPOTENCY))
    if name not in {"Decision", "BatchAnswer"}:
        operation["parameters"].append({"name": "decision_id", "in": "path", "required": True, "schema": _STRING})
    return operation


_STRING: Document = {"type": "string"}


def _refusals(*, is_post: bool) -> list[int]:
    every = sorted({kind.status for kind, _ in PROBLEMS.values()} - {405})
    return every if is_post else [status for status in every if status in (401, 403, 404, 429, 500, 503)]


def _problem(status: int) -> Document:
    kinds = [code for code, (kind, _) in PROBLEMS.items() if kind.status == status]
    return PROBLEM_ANSWER | {"description": " or ".join(f"/problems/{code}" for code in kinds)}


def _ref(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}


def _header(name: str, description: str) -> Document:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": _STRING}

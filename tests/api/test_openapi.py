"""One document describes the whole API, and it tells the truth."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Iterator

import msgspec
import pytest

import aurora.errors
from apps.api import problems, routes
from aurora.errors import AuroraError
from contracts.messages import decisions


@pytest.fixture(scope="module")
def document(client) -> dict:
    return client.get("/openapi.json").json()


def nodes(value: object) -> Iterator[dict]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from nodes(inner)


def operations(document: dict) -> Iterator[tuple[str, str, dict]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def test_every_reference_leads_to_a_schema(document):
    references = {node["$ref"] for node in nodes(document) if isinstance(node.get("$ref"), str)}
    assert len(references) > 15
    for reference in references:
        found = document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        assert found["description"], f"{reference} says nothing"


def test_it_is_an_openapi_3_1_document(document):
    assert document["openapi"].startswith("3.1")
    assert document["info"]["title"] == "Aurora"
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    for method, path, operation in operations(document):
        declared = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
        assert declared == set(re.findall(r"{(\w+)}", path)), (method, path)
        assert operation["summary"]
        assert operation["description"], (method, path)


def test_every_documented_route_is_there(service, document):
    with service.client(None) as stranger:
        for method, path, operation in operations(document):
            reply = stranger.request(method, re.sub(r"{\w+}", "conflict", path))
            expected = {401} if operation.get("security") else {200}
            assert reply.status_code in expected, (method, path, reply.text)


def test_every_route_is_a_coroutine():
    """FastAPI runs others in threads that come and go, and each would leave a connection to the state behind."""
    routers = [
        importlib.import_module(f"apps.api.routes.{one.name}").router for one in pkgutil.iter_modules(routes.__path__)
    ]
    endpoints = [route.endpoint for router in routers for route in router.routes]
    assert len(endpoints) > 10
    assert [one for one in endpoints if not inspect.iscoroutinefunction(one)] == []


def test_every_documented_status_has_its_problem_page(client, document):
    linked = set(re.findall(r"/problems/([a-z-]+)", json.dumps(document)))
    assert linked <= set(problems.PROBLEMS)
    for code in problems.PROBLEMS:
        page = client.get(f"/problems/{code}").json()
        assert page["type"] == f"/problems/{code}"
        assert page["meaning"]
        assert page["next_step"]
        html = client.get(f"/problems/{code}", headers={"accept": "text/html,*/*"})
        assert html.headers["content-type"].startswith("text/html")
        assert page["title"] in html.text


def test_every_error_that_the_api_can_answer_with_has_a_page():
    kinds = {
        kind
        for module in (aurora.errors, problems)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, AuroraError) and "code" in vars(kind) and kind is not AuroraError
    }
    assert {kind.code for kind in kinds} == set(problems.PROBLEMS)


def test_the_examples_work_as_they_stand(client, document):
    decision_id = ""
    for path in (
        "/api/v1/decisions",
        "/api/v1/decisions/{decision_id}/outcomes",
        "/api/v1/decisions/{decision_id}/overrides",
    ):
        content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        for example in content["examples"].values():
            reply = client.post(path.format(decision_id=decision_id), json=example["value"])
            assert reply.status_code == 201, reply.text
            decision_id = reply.json()["decision_id"]
    key = document["paths"]["/api/v1/keys"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert client.post("/api/v1/keys", json=key).status_code == 201


@pytest.mark.parametrize(
    "name", ["RouteTaskRequest", "RouteLlmRequest", "Decision", "OutcomeRequest", "OverrideRequest"]
)
def test_a_schema_has_the_fields_of_its_message(document, name):
    fields = {field.encode_name for field in msgspec.structs.fields(getattr(decisions, name))}
    properties = set(document["components"]["schemas"][name]["properties"])
    assert properties - {"kind"} == fields - {"kind"}


def test_the_docs_page_shows_every_route_and_field_without_the_network(client, document):
    reply = client.get("/docs")
    assert reply.headers["content-type"].startswith("text/html")
    assert "<script" not in reply.text
    assert not re.findall(r'(?:src|href|url)\s*[=(]\s*"?(?:https?:)?//', reply.text)
    for method, path, _ in operations(document):
        assert f'<span class="verb">{method}</span>{path}' in reply.text
    for schema in document["components"]["schemas"].values():
        for field in schema.get("properties", {}):
            assert f"<code>{field}</code>" in reply.text
    anchors = set(re.findall(r'id="([^"]+)"', reply.text))
    assert set(re.findall(r'href="#([^"]+)"', reply.text)) <= anchors

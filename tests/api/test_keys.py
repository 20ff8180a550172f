"""Who may come in: keys, scopes, tenants, rates; and how keys are made and ended over HTTP."""

from __future__ import annotations

import pytest

from aurora.store.journal import StateReader

TASK = {"kind": "route_task", "task_type": "property_matching"}
ROUTES = [
    ("POST", "/api/v1/decisions", "decide"),
    ("POST", "/api/v1/decisions:batch", "decide"),
    ("GET", "/api/v1/decisions", "read"),
    ("GET", "/api/v1/decision-modes", "read"),
    ("POST", "/api/v1/decision-modes", "command:write"),
    ("POST", "/api/v1/decision-modes:stop", "command:write"),
    ("POST", "/api/v1/decision-modes:resume", "command:write"),
    ("GET", "/api/v1/conflicts", "read"),
    ("POST", "/api/v1/conflicts", "decide"),
    ("GET", "/api/v1/conflicts/con_1", "read"),
    ("POST", "/api/v1/conflicts/con_1:score", "outcome"),
    ("GET", "/api/v1/decisions/dec_1", "read"),
    ("POST", "/api/v1/decisions/dec_1/outcomes", "outcome"),
    ("POST", "/api/v1/decisions/dec_1/overrides", "override"),
    ("GET", "/api/v1/assistants", "read"),
    ("GET", "/api/v1/status", "read"),
    ("GET", "/api/v1/process/edges", "read"),
    ("GET", "/api/v1/process/bottlenecks", "read"),
    ("GET", "/api/v1/audit/checkpoint", "read"),
    ("GET", "/api/v1/audit/proof/dec_1", "read"),
    ("GET", "/api/v1/quarantine", "read"),
    ("GET", "/api/v1/quarantine/0", "quarantine:write"),
    ("POST", "/api/v1/quarantine/acts", "quarantine:write"),
    ("GET", "/api/v1/keys", "admin"),
    ("POST", "/api/v1/keys", "admin"),
    ("DELETE", "/api/v1/keys/demo.0", "admin"),
    ("POST", "/api/v1/ingest/usage", "ingest:write"),
    ("POST", "/api/v1/handoffs", "handoff:write"),
    ("GET", "/api/v1/handoffs/hof_1", "read"),
    ("GET", "/api/v1/golden/conflicts", "read"),
    ("GET", "/api/v1/golden/party", "read"),
    ("GET", "/api/v1/golden/party/explanation", "read"),
    ("GET", "/api/v1/golden/party/party-0", "read"),
    ("POST", "/api/v1/golden/party/party-0:merge", "override"),
    ("POST", "/api/v1/golden/party/party-0:unmerge", "override"),
    ("GET", "/api/v1/assistants/ast_1", "read"),
    ("GET", "/api/v1/assistants/ast_1/endpoint", "admin"),
    ("PUT", "/api/v1/assistants/ast_1/endpoint", "admin"),
    ("DELETE", "/api/v1/assistants/ast_1/endpoint", "admin"),
    ("GET", "/api/v1/assistants/ast_1/agent-card", "read"),
    ("POST", "/api/v1/assistants/ast_1:disable", "command:write"),
    ("POST", "/api/v1/assistants/ast_1:enable", "command:write"),
    ("POST", "/api/v1/assistants/ast_1/commands", "command:write"),
    ("POST", "/api/aurora/commands/ast_1", "command:write"),
    ("GET", "/api/v1/commands", "read"),
    ("GET", "/api/v1/commands/cmd_1", "read"),
    ("POST", "/api/v1/commands/cmd_1:rollback", "command:write"),
    ("GET", "/api/ast_1/status", "read"),
    ("POST", "/api/ast_1/execute", "command:write"),
    ("GET", "/api/ast_1/commands/cmd_1", "read"),
    ("GET", "/api/v1/ecosystem", "read"),
    ("GET", "/api/aurora/ecosystem-health", "read"),
    ("GET", "/api/v1/compliance/rules", "read"),
    ("GET", "/api/v1/compliance/rules/AML-001", "read"),
    ("POST", "/api/v1/compliance/rules/AML-001:enforce", "command:write"),
    ("POST", "/api/v1/compliance/evaluate", "read"),
    ("GET", "/api/v1/compliance/remedies", "read"),
    ("POST", "/api/v1/compliance/remedies/rem-1.task:complete", "command:write"),
    ("GET", "/api/v1/compliance/holds", "read"),
    ("POST", "/api/v1/compliance/holds/hld-1:release", "command:write"),
    ("POST", "/api/v1/compliance/findings/fnd-1:judge", "command:write"),
    ("POST", "/api/v1/compliance/rules:backtest", "command:write"),
    ("GET", "/api/v1/compliance/breaches", "read"),
    ("GET", "/api/v1/compliance/breaches/brc-1", "read"),
    ("POST", "/api/v1/compliance/breaches/brc-1:step", "command:write"),
    ("GET", "/api/v1/compliance/findings", "read"),
    ("GET", "/api/v1/compliance/posture", "read"),
    ("GET", "/api/v2/ai-platform/analytics/business-intelligence", "read"),
    ("POST", "/api/v2/ai-platform/analytics/business-intelligence", "read"),
    ("GET", "/api/v1/reports/business-intelligence", "read"),
    ("GET", "/api/v1/assistants/ast_1/analysis", "read"),
    ("GET", "/api/v1/alerts", "read"),
    ("GET", "/api/v1/alerts/rules", "read"),
    ("POST", "/api/v1/alerts/alr_1:label", "command:write"),
    ("POST", "/api/v1/alerts/alr_1:acknowledge", "command:write"),
    ("POST", "/api/v1/alerts:mute", "command:write"),
    ("GET", "/api/v1/filings/kinds", "filing:read"),
    ("GET", "/api/v1/filings", "filing:read"),
    ("POST", "/api/v1/filings", "filing:write"),
    ("GET", "/api/v1/filings/fil_1", "filing:read"),
    ("GET", "/api/v1/filings/fil_1/export", "filing:read"),
    ("POST", "/api/v1/filings/fil_1:fill", "filing:write"),
    ("POST", "/api/v1/filings/fil_1:refresh", "filing:write"),
    ("POST", "/api/v1/filings/fil_1:submit", "filing:write"),
    ("POST", "/api/v1/filings/fil_1:approve", "filing:approve"),
    ("POST", "/api/v1/filings/fil_1:reject", "filing:approve"),
    ("POST", "/api/v1/filings/fil_1:hand-over", "filing:write"),
    ("POST", "/api/v1/evidence", "filing:read"),
    ("GET", "/api/v1/kpis", "read"),
    ("GET", "/api/v1/kpis/x", "read"),
    ("GET", "/api/v1/kpis/x/explanation", "read"),
    ("POST", "/api/v1/kpis/x/inputs", "kpi:write"),
]
SCOPES = {
    "decide",
    "outcome",
    "override",
    "read",
    "ingest:write",
    "handoff:write",
    "command:write",
    "quarantine:write",
    "filing:read",
    "filing:write",
    "filing:approve",
    "kpi:write",
    "admin",
}


@pytest.fixture(scope="module")
def narrow(service):
    """A client for each scope: a key with all scopes but that one."""
    clients = {scope: service.client(service.key(*(SCOPES - {scope}))) for scope in SCOPES}
    yield clients
    for client in clients.values():
        client.close()


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
def test_every_route_asks_for_a_key_and_a_scope(service, narrow, method, path, scope):
    with service.client(None) as stranger:
        reply = stranger.request(method, path)
    assert reply.status_code == 401
    assert reply.headers["www-authenticate"].startswith("Bearer")
    reply = narrow[scope].request(method, path)
    assert reply.status_code == 403
    assert reply.json()["errors"][0] | {"detail": ""} == {
        "header": "Authorization",
        "detail": "",
        "rule": f"scope:{scope}",
    }


def test_the_routes_listed_here_are_all_that_there_are(client):
    paths = client.get("/openapi.json").json()["paths"]
    documented = {
        (method.upper(), path, operation["x-scope"])
        for path, methods in paths.items()
        for method, operation in methods.items()
        if path.startswith("/api/")
    }
    listed = {
        (
            method,
            path.replace("dec_1", "{decision_id}")
            .replace("demo.0", "{prefix}")
            .replace("usage", "{contract}")
            .replace("hof_1", "{handoff_id}")
            .replace("ast_1", "{assistant_id}")
            .replace("cmd_1", "{command_id}")
            .replace("alr_1", "{alert_id}")
            .replace("con_1", "{conflict_id}")
            .replace("fil_1", "{filing_id}")
            .replace("AML-001", "{rule_id}")
            .replace("rem-1.task", "{remedy_id}")
            .replace("hld-1", "{hold_id}")
            .replace("fnd-1", "{finding_id}")
            .replace("brc-1", "{breach_id}")
            .replace("quarantine/0", "quarantine/{quarantine_id}")
            .replace("party-0", "{entity_id}")
            .replace("kpis/x", "kpis/{kpi_id}")
            .replace("golden/party", "golden/{kind}"),
            scope,
        )
        for method, path, scope in ROUTES
    }
    assert documented == listed


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer aur_demo", "Basic dGVzdA==", "Bearer aur_nobody.0123456789ab_" + "0" * 48, "Bearer \xff"],
)
def test_what_is_no_key_is_refused(service, authorization):
    with service.client(None) as client:
        reply = client.post("/api/v1/decisions", json=TASK, headers={"authorization": authorization.encode("latin-1")})
    assert reply.status_code == 401
    assert reply.json()["type"] == "/problems/unauthenticated"


def test_a_key_with_another_secret_is_refused(service):
    token = service.key()
    forged = token[:-1] + ("0" if token[-1] != "0" else "1")
    with service.client(forged) as client:
        assert client.get("/api/v1/status").status_code == 401


def test_a_key_that_another_process_revokes_is_soon_refused(service):
    token = service.key()
    with service.client(token) as client:
        assert client.get("/api/v1/status").status_code == 200
        service.revoke(token)
        replies = (client.get("/api/v1/status").status_code for _ in range(20_000))
        assert next(status for status in replies if status != 200) == 401


def test_a_key_that_sends_too_fast_is_told_when_to_come_back(service):
    with service.client(service.key(rate=3)) as client:
        replies = [client.post("/api/v1/decisions", json=TASK) for _ in range(40)]
    refused = next(reply for reply in replies if reply.status_code != 201)
    assert refused.status_code == 429
    assert refused.json()["type"] == "/problems/rate-limited"
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["ratelimit-policy"] == '"key";q=3;w=1'
    assert refused.headers["ratelimit"] == '"key";r=0;t=1'


def test_a_key_is_made_used_and_ended_over_http(service, client):
    made = client.post("/api/v1/keys", json={"actor_id": "propertygpt", "scopes": ["decide"], "label": "production"})
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    key, prefix = made.json()["key"], made.json()["info"]["prefix"]
    with service.client(key) as assistant:
        assert assistant.post("/api/v1/decisions", json=TASK).json()["actor_id"] == "propertygpt"
        assert client.delete(f"/api/v1/keys/{prefix}").status_code == 204
        assert assistant.post("/api/v1/decisions", json=TASK).status_code == 401
    assert client.delete(f"/api/v1/keys/{prefix}").status_code == 409
    listed = client.get("/api/v1/keys")
    assert key.rpartition("_")[2] not in listed.text
    info = next(one for one in listed.json()["keys"] if one["prefix"] == prefix)
    assert info["label"] == "production"
    assert info["revoked_at"] is not None


def test_a_repeated_request_makes_no_second_key_and_never_shows_the_secret_again(service, client):
    body = {"actor_id": "twice", "scopes": ["read"]}
    first, second = (client.post("/api/v1/keys", json=body, headers={"idempotency-key": "twice"}) for _ in range(2))
    assert first.json()["info"] == second.json()["info"]
    assert second.json()["key"] is None
    assert second.headers["idempotency-replayed"] == "true"
    with StateReader(service.tenants["demo"]) as state:
        assert [row.actor_id for row in state.api_keys()].count("twice") == 1
    secret = first.json()["key"].encode()
    files = service.tenants["demo"].directory.glob("state.sqlite*")
    assert not any(secret in file.read_bytes() for file in files)


def test_keys_belong_to_one_tenant(service, client):
    prefix = client.get("/api/v1/keys").json()["keys"][0]["prefix"]
    with service.client(service.key(tenant="rival")) as rival:
        assert rival.delete(f"/api/v1/keys/{prefix}").status_code == 404
        assert {one["prefix"].partition(".")[0] for one in rival.get("/api/v1/keys").json()["keys"]} == {"rival"}


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"scopes": ["everything"]}, "/scopes/0"),
        ({"actor_id": "no spaces"}, "/actor_id"),
        ({"rate_per_s": 0}, "/rate_per_s"),
    ],
)
def test_a_key_that_cannot_be_made_names_the_field(client, changed, pointer):
    reply = client.post("/api/v1/keys", json={"actor_id": "x", "scopes": ["read"]} | changed)
    assert reply.status_code in (400, 422)
    assert reply.json()["errors"][0]["pointer"] == pointer

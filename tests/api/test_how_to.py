"""The how-to is product: each of its commands works as it stands, and no route is missing from it."""

from __future__ import annotations

import json
import os
import re
import shlex

import pytest

from aurora.settings import PROJECT_DIR

PAGES = (
    "call-the-decision-api.md",
    "send-data.md",
    "repair-quarantined-rows.md",
    "golden-records.md",
    "connect-an-assistant.md",
    "look-after-findings.md",
    "draft-a-regulator-report.md",
    "tune-alerts.md",
    "read-the-business-report.md",
    "read-and-enter-kpis.md",
    "find-bottlenecks.md",
)
PAGE = "\n".join((PROJECT_DIR / "docs" / "how-to" / name).read_text(encoding="utf-8") for name in PAGES)
FILES = dict(re.findall(r"^cat > (\S+) <<END\n(.*?)^END$", PAGE, re.MULTILINE | re.DOTALL))
COMMANDS = re.findall(r"^curl (?:.*\\\n)*.*$", PAGE, re.MULTILINE)


def parsed(command: str) -> tuple[str, str, str | None]:
    """Method, path and body of a curl command."""
    words = shlex.split(command.replace("\\\n", " "))
    body = words[words.index("-d") + 1] if "-d" in words else None
    if "--data-binary" in words:
        body = FILES[words[words.index("--data-binary") + 1].removeprefix("@")]
    method = words[words.index("-X") + 1] if "-X" in words else "POST" if body else "GET"
    return method, next(word.removeprefix("$URL") for word in words if word.startswith("$URL")), body


def refused_id(client) -> str:
    """A row that waits in quarantine: one that lost its sign on the way."""
    row = {**json.loads(FILES["rows.ndjson"].splitlines()[0]), "usage_id": os.urandom(8).hex(), "input_tokens": -5}
    body = json.dumps(row)
    client.post("/api/v1/ingest/usage", content=body, headers={"content-type": "application/x-ndjson"})
    return client.get("/api/v1/quarantine", params={"state": "open"}).json()["rows"][0]["quarantine_id"]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_how_to_works(client, command):
    method, path, body = parsed(command)
    if "$ID" in path:
        task = {"kind": "route_task", "task_type": "property_matching"}
        path = path.replace("$ID", client.post("/api/v1/decisions", json=task).json()["decision_id"])
    if "$HANDOFF" in path:
        handoff = next(body for one in COMMANDS for _, at, body in [parsed(one)] if body and at.endswith("/handoffs"))
        path = path.replace("$HANDOFF", client.post("/api/v1/handoffs", content=handoff).json()["handoff_id"])
    if "PREFIX" in path:
        made = client.post("/api/v1/keys", json={"actor_id": "short-lived", "scopes": ["read"]})
        path = path.replace("PREFIX", made.json()["info"]["prefix"])
    if "$REFUSED" in command:
        refused = refused_id(client)
        path, body = path.replace("$REFUSED", refused), body and body.replace("$REFUSED", refused)
    kind = "application/x-ndjson" if "$NDJSON" in command else "application/json"
    headers = {"content-type": kind} if body else {}
    assert client.request(method, path, content=body, headers=headers).is_success


def test_every_route_is_in_the_how_to(client):
    shown = {parsed(command)[:2] for command in COMMANDS}
    known = {
        (method, re.sub(r"\$ID|\$HANDOFF|\$REFUSED|PREFIX|(?<=ingest/)\w+", "{}", path).partition("?")[0])
        for method, path in shown
    }
    known |= {
        (method or "GET", re.sub(r"{\w+}", "{}", path))
        for method, path in re.findall(r"^\| `(?:([A-Z]+) )?(/[^`?]+)", PAGE, re.MULTILINE)
    }
    paths = client.get("/openapi.json").json()["paths"]
    documented = {(method.upper(), re.sub(r"{\w+}", "{}", path)) for path in paths for method in paths[path]}
    assert documented - known == {("GET", "/problems/{}")}

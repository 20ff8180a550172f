"""The how-to is product: each of its commands works as it stands, and no route is missing from it."""

from __future__ import annotations

import re
import shlex

import pytest

from aurora.settings import PROJECT_DIR

PAGES = ("call-the-decision-api.md", "send-data.md")
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


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_how_to_works(client, command):
    method, path, body = parsed(command)
    if "$ID" in path:
        task = {"kind": "route_task", "task_type": "property_matching"}
        path = path.replace("$ID", client.post("/api/v1/decisions", json=task).json()["decision_id"])
    if "PREFIX" in path:
        made = client.post("/api/v1/keys", json={"actor_id": "short-lived", "scopes": ["read"]})
        path = path.replace("PREFIX", made.json()["info"]["prefix"])
    kind = "application/x-ndjson" if "$NDJSON" in command else "application/json"
    headers = {"content-type": kind} if body else {}
    assert client.request(method, path, content=body, headers=headers).is_success


def test_every_route_is_in_the_how_to(client):
    shown = {parsed(command)[:2] for command in COMMANDS}
    known = {(method, re.sub(r"\$ID|PREFIX|(?<=ingest/)\w+", "{}", path).partition("?")[0]) for method, path in shown}
    known |= {
        ("GET", re.sub(r"{\w+}", "{}", path)) for path in re.findall(r"^\| `(?:GET )?(/[^`?]+)", PAGE, re.MULTILINE)
    }
    paths = client.get("/openapi.json").json()["paths"]
    documented = {(method.upper(), re.sub(r"{\w+}", "{}", path)) for path in paths for method in paths[path]}
    assert documented - known == {("GET", "/problems/{}")}

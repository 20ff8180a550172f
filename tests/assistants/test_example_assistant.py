"""The developer's five minutes are product: the page's commands run as they stand, and the example passes the kit."""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from aurora.settings import PROJECT_DIR

PAGE = PROJECT_DIR / "docs" / "how-to" / "write-an-assistant.md"
EXAMPLE = PROJECT_DIR / "docs" / "examples" / "assistant.py"
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def output(tmp_path_factory) -> list[str]:
    """What the page's blocks print, one after the other in one shell; only the port and the venv are ours."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    script = "\necho '#####'\n".join(BLOCKS).replace("PORT=8200", f"PORT={port}")
    script = script.replace(".venv/bin/", f"{Path(sys.executable).parent}/")
    environment = {**os.environ, "AURORA_DATA_DIR": str(tmp_path_factory.mktemp("nothing"))}
    shell = subprocess.Popen(
        ["bash", "-eu", "-c", script],
        cwd=PROJECT_DIR,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        lines = []
        assert shell.stdout is not None
        for line in shell.stdout:
            lines.append(line)
            if line.startswith("Aurora assistant protocol"):
                break
        assert shell.wait(60) == 0
    finally:
        os.killpg(shell.pid, signal.SIGTERM)
        shell.stdout.close()
    return "".join(lines).split("#####\n")


def test_the_commands_of_the_page_work_as_they_stand(output):
    status, commands, _ = output
    assert json.loads(status)["assistant_id"] == "echo"
    decoder, found, rest = json.JSONDecoder(), [], commands.strip()
    while rest:
        value, end = decoder.raw_decode(rest)
        found, rest = [*found, value], rest[end:].lstrip()
    ping, task, again, export = found
    assert ping["command_state"] == "completed"
    assert task == again
    assert [row["task_id"] for row in export["rows"]] == ["t-1"]


def test_the_example_passes_the_kit(output):
    verdict = output[-1].strip().splitlines()[-1]
    assert "echo conforms" in verdict
    assert "0 failed" in verdict


def test_the_example_has_thirty_lines_and_nothing_but_python():
    text = EXAMPLE.read_text(encoding="utf-8")
    tree = ast.parse(text)
    (told,) = (node for node in tree.body[:1] if isinstance(node, ast.Expr))
    code = [line.strip() for line in text.splitlines()[told.end_lineno :]]
    assert len([line for line in code if line and not line.startswith("#")]) <= 30
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names

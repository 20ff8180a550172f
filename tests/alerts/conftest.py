"""A tenant whose marts say what a test wants, and servers on loopback that take deliveries."""

from __future__ import annotations

import datetime as dt
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from aurora.alerts.evaluation import Breach, Evaluation
from aurora.alerts.rules import AlertRule, load_alert_rules
from aurora.settings import Settings
from aurora.store.lake import LakeWriter, create_lake, write_lake
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state import StateStore
from contracts.messages.alerts import AlertTier

NOW = dt.datetime(2026, 11, 20, 9, 30, tzinfo=dt.UTC)


@pytest.fixture(scope="session")
def rules() -> dict[str, AlertRule]:
    settings = Settings()
    return {rule.rule_id: rule for rule in load_alert_rules(settings.packs_dir, settings.pack)}


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> TenantPaths:
    """An empty tenant with a lake. Not to be written to."""
    paths = create_tenant(tmp_path_factory.mktemp("alerts"), "demo", "ae-dubai")
    create_lake(paths)
    return paths


@pytest.fixture
def paths(empty: TenantPaths, tmp_path: Path) -> TenantPaths:
    """A copy of it."""
    shutil.copytree(empty.data_dir, tmp_path / "own")
    return TenantPaths(tmp_path / "own", empty.tenant, empty.region)


@pytest.fixture
def store(paths: TenantPaths) -> Iterator[StateStore]:
    with StateStore.open(paths, clock=lambda: NOW) as store:
        yield store


def found(rule: AlertRule, *subjects: str, score: float | None = None, tier: AlertTier = "page") -> Evaluation:
    """An evaluation in which those subjects break the rule."""
    breaches = [
        Breach(
            rule=rule,
            subject_id=subject,
            value=0.5,
            limit_value=0.9,
            since=NOW,
            cause="model a (80%)",
            tier=tier,
            assistant_id=subject,
            score=score,
        )
        for subject in subjects
    ]
    return Evaluation(breaches, frozenset({rule.rule_id}))


def put(paths: TenantPaths, table: str, select: str) -> None:
    """Make `mart.<table>` from a SELECT."""

    def work(lake: LakeWriter) -> None:
        lake.execute(f"CREATE OR REPLACE TABLE mart.{table} AS {select}")

    write_lake(paths, "mart", work, author="test", message=table)


class Receiver:
    """A real web server that answers with the given statuses in turn and keeps what it got."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.got: list[tuple[dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(outer.statuses.pop(0) if outer.statuses else 204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    receiver.thread.start()
    yield receiver
    receiver.server.shutdown()
    receiver.thread.join()
    receiver.server.server_close()

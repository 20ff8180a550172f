"""Pulls from a real server that misbehaves: nothing is lost, nothing comes twice, and the trouble is named."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from aurora.errors import ConflictError, DataError, NotFoundError
from aurora.ingest.pull import ATTEMPTS, Puller, PullReport, last_cursor
from aurora.ingest.pull_sources import PullSource, load_sources, named_sources
from aurora.ingest.spool import spool_folder
from aurora.settings import PROJECT_DIR, Settings
from aurora.store.connection import hold_write_lock
from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
Reply = tuple[int, dict[str, str], bytes]


def rows(first: int, count: int) -> list[dict[str, Any]]:
    return [
        {"usage_id": f"pulled-{number}", "occurred_at": "2026-09-01T10:00:00Z", "operation_name": "chat"}
        for number in range(first, first + count)
    ]


def page(found: list[dict[str, Any]], cursor: str | None, **headers: str) -> Reply:
    about = {"version": 1, "assistant_id": "clara", "contract": "usage", "contract_version": "1.0.0"}
    about |= {"exported_at": "2026-11-21T08:00:00Z", "cursor": cursor, "row_count": len(found)}
    lines = [{"aurora_export": about}, *found]
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    return 200, {"content-type": "application/x-ndjson", **headers}, body


@dataclass
class Endpoint:
    """An assistant's export endpoint: pages by cursor, and replies that come before the right ones."""

    pages: dict[str | None, Reply]
    first: list[Reply | str] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    port: int = 0

    def reply(self, handler: BaseHTTPRequestHandler) -> None:
        query = {key: value[0] for key, value in parse_qs(urlsplit(handler.path).query).items()}
        self.asked.append({**query, **{key.lower(): value for key, value in handler.headers.items()}})
        given = self.first.pop(0) if self.first else self.pages[query.get("cursor")]
        if given == "hang up":
            handler.close_connection = True
            return
        status, headers, body = self.pages[query.get("cursor")] if given == "cut" else given  # type: ignore[misc]
        if headers.get("etag") and handler.headers.get("if-none-match") == headers["etag"]:
            status, body = 304, b""
        handler.send_response(status)
        for key, value in headers.items():
            handler.send_header(key, value)
        if "no-length" not in headers:
            handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: len(body) // 2] if given == "cut" else body)
        handler.close_connection = handler.close_connection or given == "cut"

    @property
    def cursors(self) -> list[str | None]:
        return [one.get("cursor") for one in self.asked]


@pytest.fixture
def serve() -> Iterator[Callable[..., Endpoint]]:
    servers = []

    def start(pages: dict[str | None, Reply], *first: Reply | str) -> Endpoint:
        endpoint = Endpoint(pages, list(first))

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                endpoint.reply(self)

            def log_message(self, *_: object) -> None:
                return

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        endpoint.port = server.server_address[1]
        return endpoint

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@dataclass
class Company:
    paths: TenantPaths
    waits: list[float] = field(default_factory=list)
    settings: Settings = field(default_factory=lambda: Settings(pull_allowed="127.0.0.1"))

    def pull(self, endpoint: Endpoint, **changed: Any) -> PullReport:
        puller = Puller(
            paths=self.paths,
            settings=self.settings,
            clock=lambda: NOW,
            sleep=self.waits.append,
            draw=lambda: 0.5,
        )
        return puller.pull(source_of(endpoint, **changed))

    def landed(self) -> list[int]:
        with read_lake(self.paths) as lake:
            found = lake.query("SELECT usage_id FROM raw.usage WHERE source = 'clara'")["usage_id"]
        return sorted(int(one.removeprefix("pulled-")) for one in found)


def source_of(endpoint: Endpoint, **changed: Any) -> PullSource:
    url = f"http://127.0.0.1:{endpoint.port}/export"
    return PullSource(**{"source": "clara", "url": url, "contract": "usage", "limit": 3, "timeout_s": 2.0, **changed})


@pytest.fixture
def company(paths: TenantPaths) -> Company:
    return Company(paths)


THREE = {None: page(rows(0, 3), "a"), "a": page(rows(3, 3), "b"), "b": page(rows(6, 1), "b")}


def test_pages_land_in_order_and_the_next_pull_goes_on_where_this_one_ended(serve, company):
    endpoint = serve(dict(THREE))
    report = company.pull(endpoint)
    assert (report.pages, report.good, report.cursor, report.is_done) == (3, 7, "b", True)
    assert endpoint.cursors == [None, "a", "b"]
    endpoint.pages |= {"b": page(rows(6, 3), "c"), "c": page([], "c")}
    again = company.pull(endpoint)
    assert (again.good, again.duplicates, again.cursor, again.is_done) == (2, 1, "c", True)
    assert endpoint.cursors[3:] == ["b", "c"]
    assert company.landed() == list(range(9))
    assert [one["limit"] for one in endpoint.asked] == ["3"] * 5


def test_an_endpoint_with_nothing_new_leaves_no_trace(serve, company):
    endpoint = serve({None: page(rows(0, 2), "a"), "a": page([], "a")})
    company.pull(endpoint)
    with read_lake(company.paths) as lake:
        before = lake.snapshot_id("raw")
    assert company.pull(endpoint).pages == 0
    with read_lake(company.paths) as lake:
        assert lake.snapshot_id("raw") == before


def test_an_etag_saves_the_last_page(serve, company):
    endpoint = serve({None: page(rows(0, 2), None, etag='"v1"')})
    company.pull(endpoint)
    report = company.pull(endpoint)
    assert (report.pages, report.is_done) == (0, True)
    assert endpoint.asked[1]["if-none-match"] == '"v1"'


def test_passing_trouble_is_waited_for(serve, company):
    busy = (429, {"retry-after": "7"}, b"")
    late = (503, {"retry-after": "Sat, 21 Nov 2026 12:00:30 GMT"}, b"")
    endpoint = serve(dict(THREE), (500, {}, b"oops"), busy, late, "cut")
    report = company.pull(endpoint)
    assert report.trouble is None
    assert company.waits == [1.0, 7.0, 30.0, 8.0]
    assert company.landed() == list(range(7))


def test_trouble_that_lasts_is_named_and_nothing_is_lost(serve, company):
    endpoint = serve(dict(THREE))
    endpoint.pages["a"] = (502, {}, b"")
    report = company.pull(endpoint)
    assert (report.trouble.rule, report.good, report.cursor) == ("status", 3, "a")
    assert endpoint.cursors == [None] + ["a"] * ATTEMPTS
    endpoint.pages = dict(THREE)
    assert company.pull(endpoint).trouble is None
    assert company.landed() == list(range(7))


@pytest.mark.parametrize(
    ("reply", "rule"),
    [
        ((302, {"location": "http://127.0.0.1/elsewhere"}, b""), "no_redirect"),
        ((404, {}, b""), "status"),
        ((429, {"retry-after": "86400"}, b""), "status"),
        ((200, {"content-encoding": "gzip"}, b"x"), "encoding"),
        ((200, {"no-length": "1", "connection": "close"}, b"{}"), "length"),
        ((200, {}, b"x" * 1_100_000), "at_most"),
        ((200, {"aurora-next-cursor": "c" * 3000}, b"{}"), "at_most"),
        ((200, {"content-type": "text/html"}, b"<html>"), "known_format"),
    ],
)
def test_an_answer_that_does_not_fit_is_not_asked_for_again(serve, company, reply, rule):
    company.settings = Settings(pull_allowed="127.0.0.1", max_ingest_mb=1)
    endpoint = serve({None: reply})
    report = company.pull(endpoint)
    assert report.trouble.rule == rule
    assert len(endpoint.asked) == 1
    assert [file.name for file in spool_folder(company.paths).iterdir()] == [".door"]
    assert company.landed() == []


@pytest.mark.parametrize("behaviour", ["cut", "hang up"])
def test_a_torn_answer_never_lands(serve, company, behaviour):
    report = company.pull(serve({None: page(rows(0, 3), "a")}, *[behaviour] * ATTEMPTS))
    assert report.trouble is not None
    assert company.landed() == []


def test_a_slow_server_is_given_up(serve, company):
    endpoint = serve({})
    endpoint.reply = lambda _: threading.Event().wait(1.0)  # type: ignore[method-assign]
    report = company.pull(endpoint, timeout_s=0.05)
    assert report.trouble.rule == "reachable"


def test_a_cursor_that_goes_back_is_refused_and_its_rows_land_once(serve, company):
    endpoint = serve({None: page(rows(0, 2), "a"), "a": page(rows(2, 2), "b"), "b": page(rows(1, 4), "a")})
    report = company.pull(endpoint)
    assert (report.trouble.rule, report.cursor) == ("cursor_advances", "b")
    assert company.landed() == [0, 1, 2, 3, 4]
    assert last_cursor(company.paths, source_of(endpoint)) == "b"


def test_a_page_that_comes_again_under_another_cursor_moves_on(serve, company):
    same = rows(0, 2)
    endpoint = serve({None: page(same, "a"), "a": page(same, "b"), "b": page(rows(2, 1), "b")})
    report = company.pull(endpoint)
    assert (report.good, report.duplicates, report.cursor) == (3, 2, "b")


def test_the_secret_goes_along_and_is_never_in_the_file(serve, company, monkeypatch):
    endpoint = serve(dict(THREE))
    monkeypatch.setenv("PULL_CLARA", "s3cret")
    company.pull(endpoint, secret="env:PULL_CLARA")
    assert {one["authorization"] for one in endpoint.asked} == {"Bearer s3cret"}
    assert company.pull(endpoint, secret="file:clara").trouble.field == "secret"
    (company.paths.directory / "secrets").mkdir()
    (company.paths.directory / "secrets" / "clara").write_text("from-file\n", encoding="utf-8")
    company.pull(endpoint, secret="file:clara")
    assert endpoint.asked[-1]["authorization"] == "Bearer from-file"


def test_two_pulls_of_one_source_do_not_meet(serve, company):
    endpoint = serve(dict(THREE))
    inner: list[object] = []

    def pull_again(_: float) -> None:
        try:
            company.pull(endpoint)
        except ConflictError as error:
            inner.append(error.rule)

    endpoint.first.append((500, {}, b""))
    puller = Puller(paths=company.paths, settings=company.settings, clock=lambda: NOW, sleep=pull_again)
    assert puller.pull(source_of(endpoint)).good == 7
    assert inner == ["one_puller"]


# the file ------------------------------------------------------------------------------------


def write_sources(paths: TenantPaths, *sources: dict[str, Any]) -> None:
    (paths.directory / "pulls.yaml").write_text(json.dumps({"pulls": sources}), encoding="utf-8")


def test_sources_are_found_by_source_and_by_name(paths):
    assert load_sources(paths) == ()
    one = {"source": "clara", "url": "https://clara.example/export", "contract": "usage"}
    write_sources(paths, one, {**one, "contract": "task"})
    assert [found.name for found in named_sources(paths, None)] == ["clara.usage", "clara.task"]
    assert [found.name for found in named_sources(paths, "clara.task")] == ["clara.task"]
    with pytest.raises(NotFoundError):
        named_sources(paths, "nobody")


@pytest.mark.parametrize(
    "changed",
    [{"secret": "s3cret"}, {"secret": "env:HOME"}, {"contract": "quarantine"}, {"interval_s": 1}, {"key": "value"}],
)
def test_a_source_that_does_not_fit_is_named(paths, changed):
    write_sources(paths, {"source": "clara", "url": "https://clara.example", "contract": "usage", **changed})
    with pytest.raises(DataError):
        load_sources(paths)


# killed --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_kill_between_page_and_commit_loses_nothing_and_doubles_nothing(serve, company):
    """The endpoint forgets a page once it was asked for; the spool has it."""
    pages = {None: page(rows(0, 3), "a"), "a": page(rows(3, 2), "a")}
    endpoint = serve(dict(pages))
    one = msgspec.to_builtins(source_of(endpoint))
    write_sources(company.paths, one)
    command = [sys.executable, "-m", "apps.cli", "pull"]
    environment = {**os.environ, "AURORA_DATA_DIR": str(company.paths.data_dir), "AURORA_PULL_ALLOWED": "127.0.0.1"}
    with hold_write_lock(company.paths, "raw"):
        child = subprocess.Popen(command, cwd=PROJECT_DIR, env=environment)
        for _ in range(3000):
            if list(spool_folder(company.paths).glob("*.ndjson")):
                break
            try:
                child.wait(0.01)
            except subprocess.TimeoutExpired:
                continue
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert endpoint.cursors == [None]
    endpoint.pages = {"a": pages["a"]}
    report = company.pull(endpoint)
    assert (report.trouble, endpoint.cursors[1:]) == (None, ["a"])
    assert company.landed() == list(range(5))

"""The report over HTTP and on the command line: who asks decides what is told, the credential whose it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from apps.cli import main
from aurora.insights.verify import read_report
from aurora.settings import Settings
from aurora.store.lake import create_lake
from aurora.store.paths import TenantPaths, create_tenant
from contracts.messages.insights import BusinessIntelligenceReport
from tests.api.conftest import Service, serve

PLANNED = "/api/v2/ai-platform/analytics/business-intelligence"
NATIVE = "/api/v1/reports/business-intelligence"
PLAN_KEYS = (
    "revenue_impact",
    "cost_optimization",
    "customer_satisfaction_correlation",
    "market_opportunity_analysis",
    "competitive_positioning",
    "roi_by_industry",
    "recommendations",
    "generated_at",
)
"""Fields of BusinessIntelligenceReport in the Auterity plan."""


@pytest.fixture(scope="module")
def service(paths: TenantPaths) -> Iterator[Service]:
    """The API over the small company and a second one without marts."""
    other = create_tenant(paths.data_dir, "other", "ae-dubai")
    create_lake(other)
    with serve(Settings(data_dir=paths.data_dir), [paths, other]) as running:
        yield running


@pytest.fixture(scope="module")
def owner(service: Service) -> Iterator[httpx.Client]:
    with service.client(service.key()) as client:
        yield client


@pytest.mark.parametrize("path", [PLANNED, NATIVE])
def test_the_plans_path_and_ours_give_the_plans_keys(owner, path, report):
    reply = owner.get(path, params={"time_period": "month"})
    assert reply.status_code == 200, reply.text
    told = reply.json()
    assert set(PLAN_KEYS) <= set(told)
    assert all(told[key] for key in PLAN_KEYS)
    assert told["report_hash"] == report.report_hash


def test_it_is_asked_for_in_a_body_too(owner, report):
    reply = owner.post(PLANNED, json={"time_period": "month"})
    assert reply.json()["report_hash"] == report.report_hash
    assert owner.post(PLANNED, json={"tenant": "other"}).status_code in (400, 422)


def test_a_key_without_the_scopes_gets_the_report_without_those_sections(service):
    with service.client(service.key("read")) as client:
        told = client.get(PLANNED, params={"time_period": "month"}).json()
    assert [key for key in PLAN_KEYS if told[key] is None] == ["revenue_impact", "cost_optimization", "roi_by_industry"]
    assert {one["needs_scope"] for one in told["left_out"]} == {"finance:read", "privacy:reveal"}
    with service.client(service.key("finance:read")) as client:
        assert client.get(PLANNED).status_code == 403


def test_the_tenant_is_the_credentials(service):
    with service.client(service.key(tenant="other")) as client:
        reply = client.get(PLANNED)
    assert reply.status_code == 503
    assert "aurora build" in reply.json()["next_step"]


@pytest.mark.parametrize(
    ("params", "status"),
    [({"time_period": "soon"}, (400, 422)), ({"industry_filter": "space"}, (404,)), ({"format": "doc"}, (400, 422))],
)
def test_what_cannot_be_asked_is_a_problem_with_the_next_step(owner, params, status):
    reply = owner.get(PLANNED, params=params)
    assert reply.status_code in status
    assert reply.headers["content-type"].startswith("application/problem+json")
    assert reply.json()["next_step"]


@pytest.mark.parametrize(("kind", "begins"), [("pdf", b"%PDF"), ("xlsx", b"PK")])
def test_the_files_are_of_the_same_report(owner, report, kind, begins):
    reply = owner.get(NATIVE, params={"time_period": "month", "format": kind})
    assert reply.content.startswith(begins)
    assert f".{kind}" in reply.headers["content-disposition"]
    assert read_report(reply.content).report_hash == report.report_hash


def test_an_assistant_is_analysed_over_http(owner, service):
    told = owner.get("/api/v1/assistants/clara/analysis", params={"time_period": "month"}).json()
    assert [one["standing"] for one in told["metrics"]] == ["worse"] * 4
    assert owner.get("/api/v1/assistants/nobody/analysis").status_code == 404
    with service.client(service.key("read")) as client:
        told = client.get("/api/v1/assistants/clara/analysis", params={"time_period": "month"}).json()
    assert "cost" not in [one["figure"]["name"] for one in told["metrics"]]


@pytest.fixture
def aurora(paths: TenantPaths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Runs `aurora ARGUMENTS` over the small company: exit code, output, errors."""
    monkeypatch.setenv("AURORA_DATA_DIR", str(paths.data_dir))

    def run(*arguments: str) -> tuple[object, str, str]:
        monkeypatch.setattr("sys.argv", ["aurora", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return run


def test_the_command_writes_files_that_verify(aurora, report, tmp_path: Path):
    for kind in ("pdf", "xlsx", "json"):
        file = tmp_path / f"report.{kind}"
        code, _, told = aurora("report", "bi", "--period", "month", "--format", kind, "--out", str(file))
        assert (code, report.report_hash in told) == (0, True)
        assert read_report(file.read_bytes()).report_hash == report.report_hash
    code, out, _ = aurora("report", "verify", str(tmp_path / "report.pdf"))
    assert (code, out.startswith("Equal")) == (0, True)
    (tmp_path / "report.json").write_bytes((tmp_path / "report.json").read_bytes().replace(b"790000.0", b"790001.0"))
    code, _, told = aurora("report", "verify", str(tmp_path / "report.json"))
    assert code == 3
    assert "the file says 790001.0, the lake 790000.0" in told


def test_the_command_prints_text_and_json(aurora, report):
    code, out, _ = aurora("report", "bi", "--period", "month", "--without", "privacy:reveal")
    assert code == 0
    assert "REVENUE IMPACT" in out
    assert "Left out: revenue impact, largest sales." in out
    _, out, _ = aurora("report", "bi", "--period", "month", "--format", "json")
    assert msgspec.json.decode(out, type=BusinessIntelligenceReport).report_hash == report.report_hash
    code, _, told = aurora("report", "bi", "--format", "pdf")
    assert (code, "--out" in told) == (2, True)


def test_the_command_analyses_an_assistant(aurora):
    _, out, _ = aurora("report", "assistant", "clara", "--period", "month", "--json")
    assert json.loads(out)["assistant_name"] == "Clara"
    code, out, _ = aurora("report", "assistant", "clara", "--period", "month")
    assert code == 0
    assert "Look at what it fails at: listing copy of Clara" in out

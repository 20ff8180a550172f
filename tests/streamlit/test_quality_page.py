"""The pages Data quality and Reconciled spend: what they say, and a refused row mended in its form."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from apps.streamlit.mending import mend, other_values
from apps.streamlit.reads.lake import Pin, current_pin
from apps.streamlit.reads.quality import forget_refused, refused, refused_detail
from apps.streamlit.reads.spend import spend_figures
from apps.streamlit.ui.access import Viewer
from aurora.errors import PermissionDeniedError, UsageError
from aurora.ingest.batch import ingest_landing
from aurora.ingest.quarantine import refused_rows
from aurora.store.lake import LakeWriter, create_lake, read_lake, write_lake
from aurora.store.paths import create_tenant
from tests.ingest.conftest import usage_row

Open = Callable[[str], AppTest]
OWNER = Viewer("person:amal", "owner")
TODAY = dt.datetime.now(dt.UTC).date()
WHY = "the exporter was mended"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pin:
    """A tenant with forty days of a gateway, two refused rows, and spend that two accounts disagree on."""
    paths = create_tenant(tmp_path, "demo", "ae-dubai")
    create_lake(paths)
    days = [TODAY - dt.timedelta(days=number) for number in range(40)]
    rows = [
        usage_row(f"{day}-{n}", occurred_at=f"{day}T{n % 24:02d}:00:00Z")
        for day in days
        for n in range(12 if day == days[1] else 60)
    ]
    rows += [usage_row("bad-1", input_tokens=-5), usage_row("bad-2", operation_name="daydream")]
    (paths.landing / "gateway").mkdir(parents=True)
    (paths.landing / "gateway" / "calls.ndjson").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    ingest_landing(paths, clock=lambda: dt.datetime.now(dt.UTC))
    write_lake(paths, "mart", _marts, author="tests", message="Marts")
    monkeypatch.setenv("AURORA_DATA_DIR", str(tmp_path))
    forget_refused()
    return current_pin()


def _marts(lake: LakeWriter) -> None:
    quality = {
        "period_date": TODAY, "source": "gateway", "contract": "usage", "row_count": 2354, "good_count": 2352,
        "bad_count": 2, "duplicate_count": 0, "late_count": 2280, "unpriced_count": 0, "repaired_count": 0,
        "discarded_count": 0, "open_count": 2, "bad_share": 2 / 2354, "first_event_at": None, "last_event_at": None,
        "last_ingested_at": dt.datetime.now(dt.UTC),
    }  # fmt: skip
    reason = {
        "source": "gateway", "contract": "usage", "rule": "at_least", "column_name": "input_tokens",
        "period_date": TODAY, "row_count": 1, "open_count": 1,
    }  # fmt: skip
    spend = {
        "period_date": TODAY, "provider_name": "openai", "has_log": True, "has_provider_usage": True,
        "has_provider_cost": True, "has_invoice": False, "is_simulated": True, "leg_count": 2, "logged_count": 9,
        "provider_count": 10, "priced_usd": 9.0, "provider_usd": 10.0, "invoiced_usd": None, "missing_count": 1,
        "missing_usd": 1.0, "duplicate_count": 0, "duplicate_usd": 0.0, "unpriced_count": 0, "unpriced_usd": 0.0,
        "price_difference_usd": 0.0, "difference_usd": 1.0, "invoice_difference_usd": None, "error_share": 0.1,
        "trust_share": 0.9,
    }  # fmt: skip
    unknown = dict.fromkeys(spend) | {
        "period_date": TODAY, "provider_name": "in_house", "has_log": True, "has_provider_usage": False,
        "has_provider_cost": False, "has_invoice": False, "is_simulated": False, "leg_count": 0, "logged_count": 3,
        "priced_usd": 0.0, "unpriced_count": 3,
    }  # fmt: skip
    frames = {
        "source_quality_daily": pl.DataFrame([quality], schema_overrides={"first_event_at": pl.Datetime("us", "UTC"), "last_event_at": pl.Datetime("us", "UTC")}),
        "quarantine_reasons": pl.DataFrame([reason]),
        "spend_trust_daily": pl.DataFrame([spend, unknown], schema_overrides={"invoiced_usd": pl.Float64, "invoice_difference_usd": pl.Float64}),
    }  # fmt: skip
    kinds: dict[Any, str] = {
        pl.String: "VARCHAR", pl.Int64: "BIGINT", pl.Float64: "DOUBLE", pl.Boolean: "BOOLEAN", pl.Date: "DATE",
        pl.Datetime: "TIMESTAMP WITH TIME ZONE",
    }  # fmt: skip
    for name, frame in frames.items():
        columns = ", ".join(f"{column} {kinds[kind.base_type()]}" for column, kind in frame.schema.items())
        lake.execute(f"CREATE TABLE mart.{name} ({columns})")
        lake.append(name, frame)


def opened(app: AppTest) -> AppTest:
    app.run()
    assert [exception.message for exception in app.exception] == []
    assert [error.value for error in app.error] == []
    return app


@pytest.mark.usefixtures("own")
def test_the_page_says_which_source_is_odd_and_what_waits(open_page: Open) -> None:
    app = opened(open_page("quality"))
    assert app.title[0].value == "1 source sent rows; 1 needs a look; 2 refused rows wait."
    said = "\n".join(str(block.value) for block in app.markdown)
    assert "**gateway, usage**" in said
    assert "12 rows on" in said
    sources = app.dataframe[0].value
    assert list(sources["volume"]) == ["✗ Too few"]
    assert list(app.dataframe[1].value["rule"]) == ["at_least"]


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(("tab", "columns"), [("Refused rows", {"state", "reason"}), ("Days", {"late_count"})])
def test_each_tab_shows_its_table(open_page: Open, tab: str, columns: set[str]) -> None:
    app = open_page("quality")
    app.query_params["tab"] = tab
    assert columns <= set(opened(app).dataframe[-1].value.columns)


def _form() -> None:
    import os

    import streamlit as st

    from apps.streamlit.reads.lake import current_pin
    from apps.streamlit.ui.access import LOCAL_OWNER
    from apps.streamlit.ui.refused_view import refused_row

    st.title("A row")
    refused_row(current_pin(), os.environ["AURORA_TEST_ROW"], LOCAL_OWNER)


def test_a_row_is_tried_and_mended_in_its_form(own: Pin, monkeypatch: pytest.MonkeyPatch) -> None:
    with read_lake(own.paths) as lake:
        wrong = refused_rows(lake, rule="at_least")["quarantine_id"][0]
    monkeypatch.setattr("apps.streamlit.reads.lake.load_settings", _settings_of(own))
    import os

    monkeypatch.setitem(os.environ, "AURORA_TEST_ROW", wrong)
    app = AppTest.from_function(_form, default_timeout=60).run()
    assert "input\\_tokens is \\-5" in "\n".join(str(block.value) for block in app.markdown)
    app.text_input(key="mend_input_tokens").set_value("-7")
    app.text_input(key="mend_note").set_value(WHY)
    app.button[0].click().run()
    assert "The gate refuses it" in app.warning[0].value
    app.text_input(key="mend_input_tokens").set_value("7")
    app.button[1].click().run()
    assert "It landed with the corrected values." in app.success[0].value
    with read_lake(own.paths) as lake:
        assert lake.query("SELECT input_tokens FROM raw.usage WHERE usage_id = 'call-bad-1'").item() == 7


def _settings_of(pin: Pin) -> Callable[[object], Any]:
    from aurora.settings import Settings

    return lambda _: Settings(data_dir=Path(pin.data_dir), tenant=pin.tenant)


def test_only_an_operator_may_act_and_a_batch_can_be_run_again(own: Pin) -> None:
    rows = refused(own, state="open", source=None, rule=None)
    detail = refused_detail(own, rows["quarantine_id"][0])
    about = {
        "quarantine_id": detail.row["quarantine_id"],
        "batch_id": detail.row["batch_id"],
        "values": {},
        "note": WHY,
    }
    with pytest.raises(PermissionDeniedError, match="may not act"):
        mend(own, "discard", **about, viewer=Viewer("x", "analyst"), is_dry_run=False)
    with pytest.raises(UsageError, match="No value is corrected"):
        mend(own, "repair", **about, viewer=OWNER, is_dry_run=False)
    (again,) = mend(own, "rerun", **about, viewer=OWNER, is_dry_run=False)
    assert (again.rows, again.still_failing) == (2, 2)
    mend(own, "discard", **about, viewer=OWNER, is_dry_run=False)
    assert other_values('{"a": 1}') == {"a": 1}
    for wrong in ("[1]", "{"):
        with pytest.raises(UsageError, match="JSON"):
            other_values(wrong)


def test_the_spend_page_says_how_far_it_is_right_and_why(own: Pin, open_page: Open) -> None:
    app = opened(open_page("spend"))
    assert app.title[0].value == (
        "The spend that providers gave an account of is right to 90 %: 1 provider-day differs. 1 provider gave no account."
    )
    worst = app.dataframe[1].value
    assert list(worst["explanation"]) == ["1 call not logged (USD 1.00)"]
    figures = spend_figures(own, TODAY, TODAY)
    assert figures.trust == pytest.approx(0.9)
    assert spend_figures(own, TODAY - dt.timedelta(days=9), TODAY - dt.timedelta(days=9)).trust is None

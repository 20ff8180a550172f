"""The page of alerts: what is open with why and what to do, one click to label, rules by their labels, deliveries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from apps.streamlit.reads.alerts import alert_view, channel_table, curve, delivery_table, precision_table, weekly
from apps.streamlit.reads.lake import Pin
from apps.streamlit.ui.access import Viewer
from aurora.alerts.book import open_book
from aurora.alerts.channels import Surroundings
from aurora.alerts.delivery import deliver
from aurora.alerts.evaluation import Breach, Evaluation
from aurora.alerts.raising import raise_alerts
from aurora.alerts.rules import AlertRule, load_alert_rules, tenant_alerts
from aurora.settings import Settings
from aurora.store.state import StateStore

Open = Callable[[str], AppTest]
NOW = dt.datetime(2026, 11, 24, 9, 30, tzinfo=dt.UTC)
CHANNELS = """
channels:
  - {name: drop, kind: file}
  - {name: hook, kind: webhook, url: "https://ops.example.com", secret: "env:ALERT_ABSENT"}
"""


def _rules() -> dict[str, AlertRule]:
    settings = Settings()
    return {rule.rule_id: rule for rule in load_alert_rules(settings.packs_dir, settings.pack)}


def _breach(rule: AlertRule, subject: str, score: float | None = None) -> Breach:
    return Breach(
        rule=rule,
        subject_id=subject,
        value=0.5,
        limit_value=0.9,
        since=NOW - dt.timedelta(hours=2),
        cause="model a (80%)",
        tier="page" if score is None else "digest",
        assistant_id=subject,
        score=score,
    )


@pytest.fixture
def alerted(own_pin: Pin) -> Pin:
    """The company with a page about clara, something for the digest about vera, and a delivery of each kind."""
    (own_pin.paths.directory / "alerts.yaml").write_text(CHANNELS, encoding="utf-8")
    rules = _rules()
    breaches = [_breach(rules["uptime_slo"], "clara"), _breach(rules["cost_anomaly"], "vera", 0.03)]
    with StateStore.open(own_pin.paths, clock=lambda: NOW) as store:
        raise_alerts(store, Evaluation(breaches, frozenset()), now=NOW)
        around = Surroundings(paths=own_pin.paths, environ={})
        channels = tenant_alerts(own_pin.paths).channels
        deliver(store, channels, around, tier="page", now=NOW, wait=lambda _: None)
    return own_pin


def _button(app: AppTest, name: str):
    return next(one for one in app.button if one.label == name)


def _texts(app: AppTest) -> str:
    return " ".join(str(one.value) for kind in (app.markdown, app.caption, app.title) for one in kind)


@pytest.mark.usefixtures("pin")
def test_before_anything_alerted_the_page_says_what_watches(open_page: Open):
    app = open_page("alerts").run()
    assert not app.exception
    assert app.title[0].value == "No rule has alerted yet."
    assert f"{len(_rules())} rules watch" in app.info[0].value


def test_an_open_page_says_since_when_why_and_what_to_do(alerted: Pin, open_page: Open):
    app = open_page("alerts").run()
    assert not app.exception
    assert app.title[0].value == "1 page needs you; 1 alert may be worth a look."
    told = _texts(app)
    assert "clara was up for 50" in told
    assert "Since 24 Nov 2026, 11:30 GST · raised 24 Nov 2026, 13:30 GST" in told
    assert ":gray[Likely cause:] model a" in told
    assert ":gray[Do:] See its outages of that day" in told
    app.session_state["show"] = "Digest"
    app.run()
    assert "The daily cost of vera" in _texts(app)
    assert alerted.tenant in told


def test_one_click_labels_and_one_takes_note(alerted: Pin, open_page: Open):
    app = open_page("alerts").run()
    _button(app, "Noise").click().run()
    assert not app.exception
    (alert,) = [one for one in open_book(alerted.paths).alerts.values() if one.tier == "page"]
    assert (alert.alert_label, alert.actor_id) == ("noise", "owner")
    assert _button(app, "Noise").disabled
    _button(app, "Acknowledge").click().run()
    assert app.title[0].value == "No page needs you; 1 alert may be worth a look."
    (alert,) = [one for one in open_book(alerted.paths).alerts.values() if one.tier == "page"]
    assert alert.acknowledged_at is not None


def test_a_mute_wants_a_reason_and_can_be_lifted(alerted: Pin, open_page: Open):
    app = open_page("alerts").run()
    _button(app, "Mute").click().run()
    assert "needs a reason" in app.error[0].value
    next(one for one in app.text_input if one.label == "Why").set_value("Maintenance")
    _button(app, "Mute").click().run()
    now = dt.datetime.now(dt.UTC)
    mute = open_book(alerted.paths).muted(["uptime_slo/clara"], now)
    assert mute is not None
    assert mute.until is not None
    app.session_state["tab"] = "Rules"
    app.run()
    _button(app, "Lift the mute").click().run()
    assert open_book(alerted.paths).muted(["uptime_slo/clara"], now) is None


def test_who_may_only_look_has_no_buttons(alerted: Pin, open_page: Open):
    app = open_page("alerts")
    app.session_state["aurora_viewer"] = Viewer("amal", "viewer")
    app.run()
    assert not app.exception
    assert alerted.tenant
    assert not {"Noise", "Relevant", "Acknowledge"} & {one.label for one in app.button}


def test_the_other_tabs_show_rules_by_labels_and_what_was_sent(alerted: Pin, open_page: Open):
    for tab in ("Rules", "Deliveries"):
        app = open_page("alerts")
        app.session_state["tab"] = tab
        app.run()
        assert not app.exception
        assert app.dataframe
    view = alert_view(alerted)
    assert channel_table(view)["state"].to_list() == ["✓ Takes alerts", "✗ Refuses"]
    assert delivery_table(view)["problem"].to_list() == ["Channel hook: env:ALERT_ABSENT holds nothing.", None]
    table = precision_table(view, NOW)
    assert table.height == len(_rules())
    assert table["raised_count"].sum() == 2
    assert weekly(view).rows() == [(dt.date(2026, 11, 23), "Not labelled", 2)]
    at_zero = curve([(0.1, True), (0.2, True), (0.05, False)]).row(0, named=True)
    assert (at_zero["precision"], at_zero["n"]) == (pytest.approx(2 / 3), 3)


def test_home_names_the_open_pages(alerted: Pin, open_page: Open):
    app = open_page("home").run()
    assert not app.exception
    assert alerted.tenant
    assert "**1** · Open alerts" in _texts(app)

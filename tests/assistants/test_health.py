"""States follow polls with hysteresis, and the score follows its published formula."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest

from aurora.assistants.health import Ping, Watch
from aurora.packs.pack import Pack
from contracts.messages.assistants import Latency, StatusReply

AT = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


def reply(**changed: object) -> StatusReply:
    made = StatusReply(
        assistant_id="clara",
        assistant_state="active",
        protocol_version="1",
        version="1.0",
        updated_at=AT,
        window_s=300,
        uptime_share=1.0,
        error_share=0.0,
        request_count=100,
        latency=Latency(p50_ms=10, p95_ms=2000, p99_ms=4000),
        open_task_count=2,
        capacity_count=24,
    )
    return msgspec.structs.replace(made, **changed)


@pytest.fixture
def watch(pack: Pack) -> Watch:
    assistant = next(one for one in pack.assistants if one.assistant_id == "clara")
    thresholds = msgspec.structs.replace(
        assistant.thresholds, min_uptime_share=0.99, max_error_share=0.05, max_latency_p95_ms=8000, max_open_share=0.9
    )
    return Watch(assistant, thresholds)


def good(**changed: object) -> Ping:
    return Ping(at=AT, ping_ms=3.0, reply=reply(**changed))


LOST = Ping(at=AT, error="It did not answer within 0.9 s.")


def test_before_the_first_poll_the_packs_word_stands(watch: Watch) -> None:
    live = watch.live(is_connected=False)
    assert (watch.state, live.assistant_state, live.performance_score, live.last_ping) == (None, "active", None, None)


def test_no_answer_is_down_at_once_and_better_only_after_three_polls(watch: Watch) -> None:
    watch.observe(good())
    watch.observe(LOST)
    assert watch.state == "down"
    assert "did not answer" in watch.live(is_connected=True).reason
    seen = []
    for _ in range(3):
        watch.observe(good())
        seen.append(watch.state)
    assert seen == ["down", "down", "active"]


def test_one_bad_poll_is_not_yet_degraded_two_are(watch: Watch) -> None:
    watch.observe(good())
    watch.observe(good(error_share=0.2))
    assert watch.state == "active"
    watch.observe(good(error_share=0.2))
    assert watch.state == "degraded"
    assert watch.live(is_connected=True).reason == "20.0% of requests fail, more than 5.0%."


def test_a_flapping_assistant_does_not_flap_between_states(watch: Watch) -> None:
    watch.observe(good())
    states = set()
    for turn in range(20):
        watch.observe(good(error_share=0.2) if turn % 2 else good())
        states.add(watch.state)
    assert states == {"active"}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"uptime_share": 0.9}, "Uptime 90.00% is below 99.00%."),
        ({"latency": Latency(p50_ms=1, p95_ms=9000, p99_ms=9000)}, "P95 9,000 ms is above 8,000 ms."),
        ({"open_task_count": 24}, "100% of its capacity is in use, more than 90%."),
        ({"assistant_state": "degraded"}, "It says so of itself."),
    ],
)
def test_each_threshold_of_the_pack_counts(watch: Watch, changed: dict[str, object], why: str) -> None:
    for _ in range(2):
        watch.observe(good(**changed))
    live = watch.live(is_connected=True)
    assert (live.assistant_state, live.reason) == ("degraded", why)


def test_shares_of_nothing_count_for_nothing(watch: Watch) -> None:
    watch.observe(good(request_count=0, error_share=1.0, latency=Latency(p50_ms=0, p95_ms=99_999, p99_ms=99_999)))
    assert watch.state == "active"
    assert watch.live(is_connected=True).performance_score == 100.0


def test_what_it_says_of_itself_is_believed(watch: Watch) -> None:
    watch.observe(good(assistant_state="disabled"))
    assert watch.state == "disabled"


def test_a_late_answer_degrades_but_not_the_first(watch: Watch) -> None:
    late = Ping(at=AT, ping_ms=600.0, reply=reply(), is_late=True)
    watch.observe(late)
    assert watch.state == "active"
    watch.observe(late)
    watch.observe(late)
    assert watch.state == "degraded"


def test_the_switch_stands_above_what_is_seen(watch: Watch) -> None:
    watch.observe(good())
    watch.switch("It sent offers twice.", AT + dt.timedelta(seconds=5))
    live = watch.live(is_connected=True)
    assert (live.assistant_state, live.reason) == ("disabled", "Switched off: It sent offers twice.")
    assert live.since == AT + dt.timedelta(seconds=5)
    watch.switch("", AT + dt.timedelta(seconds=9))
    assert watch.live(is_connected=True).assistant_state == "active"


def test_the_score_is_the_published_formula(watch: Watch) -> None:
    watch.observe(good(error_share=0.04))
    watch.observe(LOST)
    expected = 100 * (0.5 * 0.96 + 0.3 * 0.5 + 0.2 * (1 - 2000 / 16_000))
    assert watch.live(is_connected=True).performance_score == pytest.approx(expected, abs=0.05)

"""Deliveries to real servers on loopback: signed webhooks, Slack, files, mail; retries; each alert once a channel."""

from __future__ import annotations

import base64
import json
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from aurora.alerts.book import read_book
from aurora.alerts.channels import Surroundings
from aurora.alerts.delivery import BACKOFF_S, STORM, deliver
from aurora.alerts.raising import raise_alerts
from aurora.alerts.rules import Channel
from aurora.alerts.signing import is_authentic, signed_headers
from aurora.errors import DataError
from tests.alerts.conftest import NOW, found

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes, ok").decode()


@pytest.fixture
def around(paths) -> Surroundings:
    return Surroundings(paths=paths, allowed=("127.0.0.1",), environ={"ALERT_SECRET": SECRET})


@pytest.fixture
def raised(rules, store):
    return raise_alerts(store, found(rules["uptime_slo"], "clara"), now=NOW).alerts


def _send(store, around, *channels: Channel, tier="page", waits=None):
    wait = (waits if waits is not None else []).append
    return deliver(store, channels, around, tier=tier, now=NOW, wait=wait)


def test_the_signature_is_the_one_of_the_specification():
    headers = signed_headers(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        webhook_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        body=b'{"test": 2432232314}',
        now=NOW.fromtimestamp(1614265330, tz=NOW.tzinfo),
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_webhook_is_signed_and_sent_once(store, around, raised, receiver):
    hook = Channel(name="ops", kind="webhook", url=receiver.url, secret="env:ALERT_SECRET")
    (sent,) = _send(store, around, hook)
    assert (sent.is_delivered, sent.attempt_count) == (True, 1)
    ((headers, body),) = receiver.got
    assert is_authentic(SECRET, headers, body, now=NOW)
    assert not is_authentic(SECRET, headers, body + b" ", now=NOW)
    told = json.loads(body)
    assert told["type"] == "alert.raised"
    assert told["data"]["alerts"][0]["alert_id"] == raised[0].alert_id
    assert _send(store, around, hook) == []


@pytest.mark.usefixtures("raised")
def test_a_server_that_stumbles_is_tried_again_with_growing_waits(store, around, receiver):
    hook = Channel(name="ops", kind="webhook", url=receiver.url, secret="env:ALERT_SECRET")
    receiver.statuses = [503, 429, 200]
    waits: list[float] = []
    (sent,) = _send(store, around, hook, waits=waits)
    assert (sent.is_delivered, sent.attempt_count, waits) == (True, 3, list(BACKOFF_S[:2]))
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1


@pytest.mark.usefixtures("raised")
def test_what_was_not_taken_waits_for_the_next_round(store, around, receiver):
    hook = Channel(name="ops", kind="webhook", url=receiver.url, secret="env:ALERT_SECRET")
    receiver.statuses = [410]
    (refused,) = _send(store, around, hook)
    assert (refused.is_delivered, refused.attempt_count, refused.problem) == (False, 1, "127.0.0.1 answered 410.")
    assert [one.is_delivered for one in _send(store, around, hook)] == [True]


def test_a_channel_that_is_away_holds_a_round_up_once(rules, store, around, receiver):
    raise_alerts(store, found(rules["uptime_slo"], "clara", "vera"), now=NOW)
    hook = Channel(name="ops", kind="webhook", url=receiver.url, secret="env:ALERT_SECRET")
    receiver.statuses = [503] * 4
    (sent,) = _send(store, around, hook)
    assert (sent.is_delivered, sent.attempt_count) == (False, 4)
    assert [one.is_delivered for one in _send(store, around, hook)] == [True, True]


def test_a_storm_of_pages_is_one_message(rules, store, around, receiver):
    raise_alerts(store, found(rules["uptime_slo"], *(f"a{place}" for place in range(STORM + 1))), now=NOW)
    (sent,) = _send(store, around, Channel(name="team", kind="slack", url=receiver.url))
    assert len(sent.alert_ids) == STORM + 1
    told = json.loads(receiver.got[0][1])
    assert told["text"].endswith(f"(and {STORM} more)")
    assert len(told["blocks"]) == STORM + 1


def test_a_channel_that_is_set_up_wrongly_is_left_alone_after_two_refusals(rules, store, paths):
    raise_alerts(store, found(rules["uptime_slo"], "clara", "vera", "omar"), now=NOW)
    hook = Channel(name="ops", kind="webhook", url="https://ops.example.com", secret="env:ALERT_SECRET")
    sent = _send(store, Surroundings(paths=paths, environ={}), hook)
    assert [one.is_delivered for one in sent] == [False, False]


@pytest.mark.usefixtures("raised")
def test_an_address_inside_is_refused_unless_it_is_allowed(store, paths, receiver):
    hook = Channel(name="ops", kind="slack", url=receiver.url)
    (sent,) = _send(store, Surroundings(paths=paths), hook)
    assert sent.problem is not None
    assert "not a public address" in sent.problem
    assert receiver.got == []


@pytest.mark.usefixtures("raised")
def test_slack_gets_text_and_blocks(store, around, receiver):
    _send(store, around, Channel(name="slack", kind="slack", url=receiver.url))
    told = json.loads(receiver.got[0][1])
    assert told["text"].startswith("Aurora alert: clara was up for 50.00%")
    assert "Likely cause: model a (80%)." in told["blocks"][0]["text"]["text"]


def test_a_digest_is_one_message_and_pages_are_not_in_it(rules, store, around):
    raise_alerts(store, found(rules["uptime_slo"], "page"), now=NOW)
    raise_alerts(store, found(rules["cost_anomaly"], "a", "b", score=0.05, tier="digest"), now=NOW)
    drop = Channel(name="drop", kind="file", tiers=("digest",))
    assert _send(store, around, drop) == []
    (sent,) = _send(store, around, drop, tier="digest")
    (file,) = (around.paths.directory / "outbox" / "drop").glob("*.json")
    assert len(sent.alert_ids) == 2
    assert {one["about_id"] for one in json.loads(file.read_bytes())["alerts"]} == {"a", "b"}
    assert _send(store, around, drop, tier="digest") == []
    assert len(read_book(store).delivered) == 2


@pytest.mark.usefixtures("raised")
def test_a_secret_that_is_missing_or_short_is_named(store, paths, receiver):
    hook = Channel(name="ops", kind="webhook", url=receiver.url, secret="env:ALERT_SECRET")
    empty = Surroundings(paths=paths, allowed=("127.0.0.1",), environ={})
    assert _send(store, empty, hook)[0].problem == "Channel ops: env:ALERT_SECRET holds nothing."
    with pytest.raises(DataError, match="24 bytes"):
        signed_headers("whsec_c2hvcnQ=", webhook_id="msg", body=b"", now=NOW)


@dataclass
class Mailbox:
    """What a mail server on loopback took."""

    port: int
    mails: list[str]


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A server that speaks as much of SMTP (RFC 5321) as a delivery needs."""
    mails: list[str] = []

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 mailbox\r\n")
            while line := self.rfile.readline():
                verb = line[:4].upper().strip()
                if verb == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    text = b""
                    while (part := self.rfile.readline()) != b".\r\n":
                        text += part
                    mails.append(text.decode())
                self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
                if verb == b"QUIT":
                    return

    with socketserver.TCPServer(("127.0.0.1", 0), Session) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield Mailbox(server.server_address[1], mails)
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("raised")
def test_mail_goes_out_by_smtp(store, around, mailbox):
    channel = Channel(
        name="mail",
        kind="email",
        host="127.0.0.1",
        port=mailbox.port,
        use_tls=False,
        sender="aurora@example.com",
        recipients=("amal@example.com",),
    )
    (sent,) = _send(store, around, channel)
    assert sent.is_delivered
    (mail,) = mailbox.mails
    assert "Subject: Aurora alert: clara was up for 50.00%" in mail
    assert "Likely cause: model a (80%)." in mail

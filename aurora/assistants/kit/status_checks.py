"""Whether an assistant can be reached, says how it is, and says who it is."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import Final

import msgspec

from aurora.assistants.kit.check import Fault, check
from aurora.assistants.kit.visit import Visit
from contracts.messages.assistants import AGENT_CARD_PATH, PROTOCOL_VERSION, AgentCard

_SECTION: Final = "Status"
_CARD_SECTION: Final = "Agent card"
_CARD: Final = msgspec.json.Decoder(AgentCard)


@check("reachable", "an answer to GET /api/<assistant>/status", section=_SECTION, needs=())
def reachable(visit: Visit) -> None:
    """Any answer will do: what is in it is looked at next."""
    answer = visit.probe.get(visit.probe.api("status"))
    if answer.status == HTTPStatus.NOT_FOUND:
        raise Fault(
            f"an answer to GET {visit.probe.api('status')}",
            answer.words,
            "Serve the protocol under /api/<assistant>; --assistant names another one.",
        )


@check("status", "200 with a StatusReply whose figures fit together", section=_SECTION)
def status(visit: Visit) -> None:
    """Fields, types and bounds by the contract; what no contract says of a field alone, here."""
    found = visit.status()
    if found.assistant_id != visit.probe.assistant_id:
        raise Fault(
            f"assistant_id {visit.probe.assistant_id}", f"assistant_id {found.assistant_id}", "Answer as oneself."
        )
    if found.protocol_version.partition(".")[0] != PROTOCOL_VERSION:
        raise Fault(
            f"protocol_version {PROTOCOL_VERSION}",
            f"protocol_version {found.protocol_version}",
            "Speak this version of the protocol.",
        )
    latency = found.latency
    if not latency.p50_ms <= latency.p95_ms <= latency.p99_ms:
        raise Fault("p50_ms <= p95_ms <= p99_ms", f"{latency}", "Take all three over the same requests.")
    if found.updated_at.tzinfo is None:
        raise Fault("updated_at with its offset", f"{found.updated_at}", "Write times as 2026-10-01T08:00:00Z.")
    visit.first_status = found


@check("clock", "updated_at of the status is the time of the answer", section=_SECTION, needs=("status",))
def clock(visit: Visit) -> None:
    """Deadlines mean nothing to an assistant whose clock is wrong."""
    before = visit.clock()
    found = visit.status().updated_at
    after = visit.clock()
    off = max((before - found).total_seconds(), (found - after).total_seconds(), 0.0)
    if off > visit.options.max_skew_s:
        raise Fault(
            f"at most {visit.options.max_skew_s:g} s off",
            f"{off:.1f} s off",
            "Set the assistant's clock, and write updated_at when the answer is made.",
        )


@check("latency", "95 % of status answers within the budget", section=_SECTION, needs=("status",))
def latency(visit: Visit) -> None:
    """Nearest rank of `samples` answers, one after the other."""
    path = visit.probe.api("status")
    took = sorted(visit.probe.get(path).elapsed_ms for _ in range(max(1, visit.options.samples)))
    p95 = took[max(0, math.ceil(0.95 * len(took)) - 1)]
    if p95 > visit.options.budget_ms:
        raise Fault(
            f"p95 within {visit.options.budget_ms:g} ms",
            f"p95 {p95:.1f} ms of {len(took)} answers",
            "Answer the status from memory: it is asked every second. --budget-ms sets the budget.",
        )


@check("agent_card", "an A2A 1.0 agent card with ETag and Cache-Control", section=_CARD_SECTION)
def agent_card(visit: Visit) -> None:
    """The card, and that it need not be sent twice."""
    answer = visit.probe.ask("GET", AGENT_CARD_PATH, token=None)
    if answer.status != HTTPStatus.OK or answer.content_type != "application/json":
        raise Fault("200 with application/json", answer.words, f"Serve the card at {AGENT_CARD_PATH}, without a token.")
    try:
        card = _CARD.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Fault("an A2A 1.0 agent card", f"{error}", "Give the card every required field, in camelCase.") from None
    etag = answer.headers.get("etag")
    if etag is None or "cache-control" not in answer.headers:
        raise Fault(
            "ETag and Cache-Control", f"headers {', '.join(sorted(answer.headers))}", "Send both with the card."
        )
    again = visit.probe.ask("GET", AGENT_CARD_PATH, headers={"If-None-Match": etag}, token=None)
    if again.status != HTTPStatus.NOT_MODIFIED:
        raise Fault("304 for the ETag that was given", answer.words, "Answer If-None-Match with 304.")
    visit.card = card


CHECKS: Final = (reachable, status, clock, latency, agent_card)

"""resolve_conflict: vetoes first, then the pool of what recommenders are worth, else a person.

A voice that rules forbid, or whose assistant is switched off or blocked, is not heard; nor is any while the subject
is on hold; an action nobody may speak for is
vetoed with those reasons. What is left is pooled by reliability (`aurora.decisions.reliability`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import msgspec

from aurora.decisions.holding import against, against_all
from aurora.decisions.kinds.desk import Desk, Option, plan_options
from aurora.decisions.plans import Plan
from aurora.decisions.policy import Estimate
from aurora.decisions.questions import other_values
from aurora.decisions.reliability import Voice, pool
from aurora.decisions.slates import LIVE_VETOES, NOT_KNOWN, Slate
from aurora.errors import DataError
from contracts.messages.decision_details import Pooled, RecommenderWeight
from contracts.messages.decisions import Recommendation, ResolveConflictRequest, Veto

_UNFITTED = (0.5, 1.0)


def plan_resolution(request: ResolveConflictRequest, desk: Desk) -> Plan:
    """Which action is followed. `DataError` when the recommendations do not contradict each other."""
    words = _newest(request.recommendations)
    if len({word.action for word in words}) < 2:
        raise DataError(
            "The recommendations agree: there is no conflict.",
            field="recommendations",
            rule="contradict",
            next_step="Send two or more with different actions, by different assistants.",
        )
    vetoes = _vetoes(words, request, desk)
    heard = [word for word, against in zip(words, vetoes, strict=True) if not against]
    slate = desk.task_question(request.topic if request.topic in desk.pack.task_types else "")[0]
    voices = [_voice(word, request.topic, slate, desk) for word in heard]
    weight, temperature = _UNFITTED
    if desk.reliability is not None:
        weight, temperature = desk.reliability.confidence_weight, desk.reliability.temperature
    chances = pool(voices, confidence_weight=weight, temperature=temperature) if voices else {}
    options = [
        _option(action, words, vetoes, chances.get(action, 0.0), desk.decided_at)
        for action in sorted({word.action for word in words})
    ]
    details = Pooled(
        recommenders=tuple(
            RecommenderWeight(
                assistant_id=voice.assistant_id,
                action=voice.action,
                right_count=voice.right_count,
                wrong_count=voice.wrong_count,
                probability=voice.probability(weight),
            )
            for voice in voices
        ),
        reliability_hash=None if desk.reliability is None else desk.reliability.reliability_hash,
    )
    configured = desk.configured
    if request.min_confidence is not None:
        settings = msgspec.structs.replace(configured.settings, min_confidence=request.min_confidence)
        configured = replace(configured, settings=settings)
    return plan_options(options, desk, configured=configured, details=lambda _: details)


def _newest(recommendations: Sequence[Recommendation]) -> list[Recommendation]:
    """One word an assistant, its newest; in the order of assistants."""
    epoch = dt.datetime.min.replace(tzinfo=dt.UTC)
    newest: dict[str, Recommendation] = {}
    for word in recommendations:
        before = newest.get(word.assistant_id)
        if before is None or (word.recommended_at or epoch) >= (before.recommended_at or epoch):
            newest[word.assistant_id] = word
    return [newest[assistant_id] for assistant_id in sorted(newest)]


def _vetoes(words: Sequence[Recommendation], request: ResolveConflictRequest, desk: Desk) -> list[tuple[Veto, ...]]:
    slate = desk.task_question("")[0]
    on_hold = against_all(desk.counted, request)
    off = {name for name, state in desk.live if state == "disabled"}
    records = []
    for word in words:
        at = slate.positions.get(word.assistant_id)
        record = dict(slate.records[at]) if at is not None else {}
        records.append(record | {"candidate.candidate_id": word.action})
    values = other_values(request, desk.pack, desk.region)
    by_rules = desk.admission(records).vetoes(values, (1 << len(words)) - 1)
    found: list[tuple[Veto, ...]] = []
    for word, forbidden in zip(words, by_rules, strict=True):
        if word.assistant_id not in slate.positions:
            found.append((NOT_KNOWN,))
        elif word.assistant_id in off:
            found.append((LIVE_VETOES["disabled"],))
        else:
            found.append((*on_hold, *against(desk.counted, word.assistant_id), *forbidden))
    return found


def _voice(word: Recommendation, topic: str, slate: Slate, desk: Desk) -> Voice:
    estimate = slate.estimates[slate.positions[word.assistant_id]]
    row = desk.reliability.row(word.assistant_id, topic) if desk.reliability is not None else None
    if row is None:
        return Voice(word.assistant_id, word.action, word.confidence, estimate.prior_quality)
    return Voice(
        word.assistant_id,
        word.action,
        word.confidence,
        estimate.prior_quality,
        row.right_count,
        row.wrong_count,
        row.confidence_logit_mean,
    )


def _option(
    action: str, words: Sequence[Recommendation], vetoes: Sequence[tuple[Veto, ...]], chance: float, now: dt.datetime
) -> Option:
    mine = [(word, against) for word, against in zip(words, vetoes, strict=True) if word.action == action]
    heard = [word for word, against in mine if not against]
    told = [word.confidence for word in heard if word.confidence is not None]
    ages = [(now - word.recommended_at).total_seconds() * 1000 for word in heard if word.recommended_at is not None]
    estimate = Estimate(
        action,
        chance,
        max(told, default=0.5),
        Decimal(0),
        max(0.0, min(ages, default=0.0)),
        0.0,
        _worth(words, heard, chance),
    )
    against = tuple(dict.fromkeys(veto for _, found in mine for veto in found)) if not heard else ()
    return Option(estimate, against)


def _worth(words: Sequence[Recommendation], heard: Sequence[Recommendation], chance: float) -> float | None:
    """Expected gain in USD; None where no recommendation says what right and wrong are worth."""
    if all(word.gain_usd is None and word.loss_usd is None for word in words):
        return None
    count = max(1, len(heard))
    gain = float(sum((word.gain_usd or Decimal(0) for word in heard), Decimal(0))) / count
    loss = float(sum((word.loss_usd or Decimal(0) for word in heard), Decimal(0))) / count
    return chance * gain - (1 - chance) * loss

"""Finding conflicts in the lake: two assistants that said what cannot both be right, about one subject, in one window.

What contradicts is declared (`contradictions` of policies.yaml). Two handoffs of one task to different takers by
different givers contradict too. A conflict's id follows from its first word, so that it is found once.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from aurora.decisions.conflicts import opened
from aurora.packs import Policies
from aurora.store.journal import JournalRecord, StateReader
from aurora.store.lake import LakeReader
from contracts.messages.conflicts import ConflictRequest, ConflictSource
from contracts.messages.decisions import Recommendation

WINDOW: Final = dt.timedelta(hours=1)
LOOK_BACK: Final = dt.timedelta(days=7)
ACTOR: Final = "aurora"
HANDOFF_TOPIC: Final = "handoff"
_SAID: Final = """
    SELECT
        topics.topic, said.about_id, said.assistant_id, said.ai_decision_kind AS action, said.confidence,
        min(said.decided_at) AS said_at, said.ai_decision_id AS word_id
    FROM raw.ai_decision AS said
    INNER JOIN (SELECT unnest($topics::VARCHAR[]) AS topic, unnest($words::VARCHAR[]) AS word) AS topics
        ON said.ai_decision_kind = topics.word
    WHERE said.about_id IS NOT NULL AND said.assistant_id IS NOT NULL AND said.decided_at >= $since
    GROUP BY ALL
"""
_HANDED: Final = """
    SELECT
        'handoff' AS topic, task_id AS about_id, from_assistant_id AS assistant_id, to_assistant_id AS action,
        NULL::DOUBLE AS confidence, min(requested_at) AS said_at, handoff_id AS word_id
    FROM raw.handoff
    WHERE task_id IS NOT NULL AND handoff_state IN ('offered', 'accepted') AND requested_at >= $since
    GROUP BY ALL
"""
_PAIRED: Final = """
    WITH said AS ({said})
    SELECT DISTINCT one.*
    FROM said AS one
    INNER JOIN said AS other
        ON one.topic = other.topic AND one.about_id = other.about_id AND one.assistant_id <> other.assistant_id
        AND one.action <> other.action
        AND abs(epoch(one.said_at) - epoch(other.said_at)) <= $window_s
    ORDER BY one.topic, one.about_id, one.said_at, one.word_id
"""


def find_conflicts(
    lake: LakeReader,
    policies: Policies,
    *,
    now: dt.datetime,
    region: str,
    window: dt.timedelta = WINDOW,
    look_back: dt.timedelta = LOOK_BACK,
) -> list[JournalRecord]:
    """Records of the conflicts of the last `look_back`, known ones too; each has the same id every time."""
    since = now - look_back
    found: list[JournalRecord] = []
    topics = [(topic, word) for topic, words in policies.contradictions.items() for word in words]
    if topics:
        params = {"topics": [topic for topic, _ in topics], "words": [word for _, word in topics]}
        found += _recorded(lake, _SAID, params, "recommendations", since=since, window=window, now=now, region=region)
    return found + _recorded(lake, _HANDED, {}, "handoffs", since=since, window=window, now=now, region=region)


def new_ones(state: StateReader, found: Sequence[JournalRecord]) -> list[JournalRecord]:
    """Those that the ledger does not hold yet."""
    return [record for record in found if state.get(record.record_id) is None]


def _recorded(
    lake: LakeReader, said: str, params: Mapping[str, Any], detected_by: ConflictSource, *, since: dt.datetime,
    window: dt.timedelta, now: dt.datetime, region: str,
) -> list[JournalRecord]:  # fmt: skip
    rows = lake.query(
        _PAIRED.format(said=said), {**params, "since": since, "window_s": window.total_seconds()}
    ).iter_rows(named=True)
    return [
        opened(
            _request(words),
            actor_id=ACTOR,
            region=region,
            now=now,
            detected_by=detected_by,
            conflict_id=_id_of(words[0]),
        )[1]
        for words in _together(rows)
    ]


def _together(rows: Iterator[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Words about one subject and topic, each assistant's last one; at least two that differ."""
    found: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault((row["topic"], row["about_id"]), {})[row["assistant_id"]] = row
    for words in found.values():
        if len({row["action"] for row in words.values()}) > 1:
            yield sorted(words.values(), key=lambda row: (row["said_at"], row["word_id"]))[:64]


def _request(words: Sequence[Mapping[str, Any]]) -> ConflictRequest:
    return ConflictRequest(
        subject_id=words[0]["about_id"],
        topic=words[0]["topic"],
        recommendations=tuple(
            Recommendation(
                assistant_id=row["assistant_id"],
                action=row["action"],
                confidence=row["confidence"],
                recommended_at=row["said_at"],
                recommendation_id=row["word_id"],
            )
            for row in words
        ),
    )


def _id_of(first: Mapping[str, Any]) -> str:
    name = f"{first['topic']}/{first['about_id']}/{first['word_id']}"
    return f"con_{hashlib.sha256(name.encode()).hexdigest()[:32]}"

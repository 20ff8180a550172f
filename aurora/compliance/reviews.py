"""Reviews of rule packs: a person held one against its sources and it stands. What makes a pack fresh without a new version.

A review is of a content (`pack_hash`): of a pack that was changed since, it says nothing, and the pack's own date counts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import msgspec

from aurora.compliance.rulebook import Rulebook, RulePack
from aurora.errors import UsageError
from aurora.store.ids import IdMaker
from aurora.store.journal import JournalRecord, StateReader
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from contracts.messages.compliance import PackReview
from contracts.messages.decisions import canonical

KIND: Final = "rules_review"
_ALL: Final = 100_000
_REVIEWS: Final = msgspec.json.Decoder(PackReview)


def with_reviews(book: Rulebook, paths: TenantPaths) -> Rulebook:
    """The rules with the dates of the tenant's own reviews, where they are newer."""
    if not paths.state.is_file():
        return book
    newest: dict[tuple[str, str], PackReview] = {}
    with StateReader(paths) as state:
        for entry in state.page(KIND, limit=_ALL):
            one = _REVIEWS.decode(entry.body)
            newest.setdefault((one.rule_pack, one.pack_hash), one)
    return replace(book, packs=tuple(_reviewed(pack, newest) for pack in book.packs)) if newest else book


def review_packs(
    store: StateStore, book: Rulebook, names: Sequence[str], *, against: str, actor_id: str, now: dt.datetime
) -> list[PackReview]:
    """Say that these packs were held against `against` today and stand. Errors: `UsageError`, `NotFoundError`."""
    if len(against) < 3:
        raise UsageError(
            "A review says what the rules were held against.",
            field="against",
            rule="required",
            next_step='Say it: --against "Federal gazette no. 812, RERA circulars to 20 Nov".',
        )
    ids = IdMaker(lambda: now)
    made = [
        PackReview(
            review_id=ids.new("rvw"),
            rule_pack=pack.file.rule_pack,
            pack_version=pack.file.version,
            pack_hash=pack.pack_hash,
            checked_at=now,
            checked_against=against,
            actor_id=actor_id,
        )
        for pack in (book.pack(name) for name in dict.fromkeys(names))
    ]
    store.append([_record(one) for one in made]).result()
    return made


def _record(one: PackReview) -> JournalRecord:
    return JournalRecord(
        record_id=one.review_id,
        kind=KIND,
        subject_id=one.rule_pack,
        actor_id=one.actor_id,
        recorded_at=one.checked_at,
        body=canonical(one),
    )


def _reviewed(pack: RulePack, newest: dict[tuple[str, str], PackReview]) -> RulePack:
    found = newest.get((pack.file.rule_pack, pack.pack_hash))
    if found is None or found.checked_at <= pack.file.checked_at:
        return pack
    file = msgspec.structs.replace(
        pack.file, checked_at=found.checked_at, checked_against=f"{found.checked_against} (review by {found.actor_id})"
    )
    return replace(pack, file=file, rules=tuple(replace(rule, pack=file) for rule in pack.rules))

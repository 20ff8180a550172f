"""The sharing policy: who may hand which data to whom, and for what. What no line allows is refused.

A pack's `sharing.yaml` names the edges that assistants may speak over, and the purposes for which a consumer
may get personal or sensitive data. Beside it hold the consumer's own clearance and where it runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from aurora.errors import DataError
from aurora.packs import Assistant, Line, Pack, Slug, read_declared
from contracts.field import Field
from contracts.fields import FIELDS
from contracts.messages.decisions import PrivacyClass

FILE: Final = "sharing.yaml"
_BY_DEFAULT: Final[tuple[PrivacyClass, ...]] = ("public", "internal")
"""What an edge carries without a grant."""


class Purpose(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A use that data may be put to, and its ground in law or contract."""

    meaning: Line
    ground: Line


class Edge(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From one assistant to others: they may hand each other what is public or internal."""

    from_assistant_id: Slug
    to_assistant_ids: Annotated[tuple[Slug, ...], Meta(min_length=1)]


class Grant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For a purpose, consumers may get rows of these contracts with data of these classes.

    `columns` are single ones of a higher class that the purpose cannot do without, whatever their clearance.
    """

    purpose: Slug
    to_assistant_ids: Annotated[tuple[Slug, ...], Meta(min_length=1)]
    contracts: Annotated[tuple[Slug, ...], Meta(min_length=1)]
    privacy_classes: Annotated[tuple[PrivacyClass, ...], Meta(min_length=1)]
    columns: tuple[Slug, ...] = ()


class SharingExample(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A handoff and the verdict that the policy must give on it."""

    expect: Literal["accepted", "refused"]
    from_assistant_id: Slug
    to_assistant_id: Slug
    purpose: Slug
    contract: Slug
    columns: tuple[Slug, ...]


class SharingPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of sharing.yaml."""

    purposes: Annotated[dict[Slug, Purpose], Meta(min_length=1)]
    edges: tuple[Edge, ...]
    grants: tuple[Grant, ...]
    examples: Annotated[tuple[SharingExample, ...], Meta(min_length=2)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """Why something may not be handed over; `pointer` is the place in the request."""

    pointer: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """The policy of one pack with its assistants, ready to judge."""

    policy: SharingPolicy
    assistants: dict[str, Assistant]
    allowed_regions: frozenset[str]

    def seen_live(self, states: Mapping[str, str]) -> Sharing:
        """The same with assistants that are seen to be down or disabled now."""
        away = {name: state for name, state in states.items() if state in {"down", "disabled"}}
        changed = {
            name: msgspec.structs.replace(one, assistant_state=away[name]) if name in away else one
            for name, one in self.assistants.items()
        }
        return replace(self, assistants=changed) if away else self

    def is_edge(self, from_id: str, to_id: str) -> bool:
        """Whether the first may speak to the second."""
        return any(one.from_assistant_id == from_id and to_id in one.to_assistant_ids for one in self.policy.edges)

    def objections(
        self, *, from_id: str, to_id: str, purpose: str, contract: str, columns: Iterable[tuple[str, str]]
    ) -> list[Objection]:
        """Everything that speaks against a handoff; `columns` are names with the pointer of their first value."""
        found = list(self._about_the_edge(from_id, to_id, purpose))
        grants = [one for one in self.policy.grants if _is_for(one, to_id, purpose, contract)]
        allowed = frozenset(_BY_DEFAULT).union(*[one.privacy_classes for one in grants])
        named = {name for one in grants for name in one.columns}
        consumer = self.assistants.get(to_id)
        for name, pointer in columns:
            field = FIELDS.get(name)
            if field is not None and name not in named:
                found += _about_column(field, pointer, to_id, purpose, allowed, consumer, self.allowed_regions)
        return found

    def _about_the_edge(self, from_id: str, to_id: str, purpose: str) -> Iterable[Objection]:
        for pointer, name in (("/from_assistant_id", from_id), ("/to_assistant_id", to_id)):
            if name not in self.assistants:
                yield Objection(pointer=pointer, rule="known_assistant", reason=f"{name[:64]!r} is none of the fleet.")
        receiver = self.assistants.get(to_id)
        if receiver is not None and receiver.assistant_state in {"down", "disabled"}:
            yield Objection(
                pointer="/to_assistant_id", rule="is_available", reason=f"{to_id} is {receiver.assistant_state}."
            )
        if not self.is_edge(from_id, to_id):
            yield Objection(
                pointer="/to_assistant_id",
                rule="allowed_edge",
                reason=f"{from_id[:64]} may not hand work to {to_id[:64]}.",
            )
        if purpose not in self.policy.purposes:
            known = ", ".join(self.policy.purposes)
            yield Objection(pointer="/purpose", rule="one_of", reason=f"{purpose!r} is no purpose; there are {known}.")


def _is_for(grant: Grant, to_id: str, purpose: str, contract: str) -> bool:
    return grant.purpose == purpose and to_id in grant.to_assistant_ids and contract in grant.contracts


def _about_column(
    field: Field,
    pointer: str,
    to_id: str,
    purpose: str,
    allowed: frozenset[str],
    consumer: Assistant | None,
    regions: frozenset[str],
) -> Iterable[Objection]:
    if field.privacy not in allowed:
        yield Objection(
            pointer=pointer,
            rule="purpose_allows",
            reason=f"{field.name} is {field.privacy}: {to_id} may not get it for {purpose}. Leave it out, or have it granted.",
        )
    elif consumer is not None and field.privacy not in {"public", *consumer.privacy_classes}:
        yield Objection(
            pointer=pointer,
            rule="consumer_is_cleared",
            reason=f"{field.name} is {field.privacy}: {to_id} is not cleared for that class.",
        )
    if field.residency == "tenant_region" and consumer is not None and not set(consumer.regions) <= regions:
        yield Objection(
            pointer=pointer,
            rule="stays_in_region",
            reason=f"{field.name} must stay in the tenant's regions; {to_id} also runs in "
            f"{', '.join(sorted(set(consumer.regions) - regions))}.",
        )


def load_sharing(packs_dir: Path, pack: Pack) -> Sharing:
    """The pack's sharing policy; `DataError` names a file or a line that does not fit the pack."""
    file = packs_dir / pack.name / FILE
    policy = read_declared(file, SharingPolicy)
    assistants = {one.assistant_id: one for one in pack.assistants}
    for edge in policy.edges:
        _known(file, "edges", (edge.from_assistant_id, *edge.to_assistant_ids), assistants)
    for grant in policy.grants:
        _known(file, "grants.purpose", (grant.purpose,), policy.purposes)
        _known(file, "grants.to_assistant_ids", grant.to_assistant_ids, assistants)
        _known(file, "grants.columns", grant.columns, FIELDS)
    return Sharing(policy=policy, assistants=assistants, allowed_regions=frozenset(pack.tenant.allowed_regions))


def _known(file: Path, field: str, names: Iterable[str], known: Iterable[str]) -> None:
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise DataError(
            f"{file.parent.name}/{file.name}, field {field}, names {unknown[0]!r}, which is not declared.",
            field=field,
            rule="pack",
            next_step="Correct the file and load the pack again.",
        )


def classes_of(columns: Iterable[str]) -> tuple[PrivacyClass, ...]:
    """The privacy classes of these columns, from public to sensitive."""
    found = {FIELDS[name].privacy for name in columns if name in FIELDS}
    return tuple(name for name in _CLASSES if name in found)


_CLASSES: Final[tuple[PrivacyClass, ...]] = ("public", "internal", "personal", "sensitive")

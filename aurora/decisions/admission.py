"""Who may be chosen: rules asked once for each distinct question, remembered as bits.

A rule reads a few fields of the request and a few of the candidate. The candidates of a slate do not
change while an engine lives, so a rule's verdict on all of them depends on its request fields alone and is
kept under them; a rule whose candidate fields are computed per request is asked every time.
Bit i of a mask stands for candidate i of the slate. Memories are bounded and hold no decision of their own:
with or without them the verdict is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from aurora.compliance.records import Values
from aurora.compliance.rules import CompiledRule
from contracts.messages.decisions import Veto

Masks = tuple[int, int]
"""Candidates for which a rule's verdict is fail, and for which it is unknown."""
_MEMORY = 4096


@dataclass(frozen=True, slots=True)
class _Asked:
    rule: CompiledRule
    key: Any
    """Takes the rule's request fields out of the request's values."""
    request_fields: tuple[str, ...]
    parts: tuple[dict[str, object], ...]
    """The rule's fields of each candidate."""
    is_computed: bool
    fail: Veto
    unknown: Veto
    memory: dict[Any, Masks] = field(default_factory=dict)


class Admission:
    """The rules in force on one slate of candidates."""

    def __init__(self, rules: Sequence[CompiledRule], records: Sequence[Values], computed: frozenset[str]) -> None:
        """`records` are the candidates' and tenant's fields; `computed` names fields given anew each time."""
        self.rule_ids = tuple(rule.rule.rule_id for rule in rules)
        self._asked = tuple(_prepare(rule, records, computed) for rule in rules)
        self._vetoes: dict[Any, tuple[tuple[Veto, ...], ...]] = {}
        self._count = len(records)

    def vetoes(
        self, request: Values, considered: int, computed: Sequence[Mapping[str, object]] = ()
    ) -> tuple[tuple[Veto, ...], ...]:
        """The rules' vetoes of each candidate; empty for those outside the mask `considered`.

        `request` holds every request field; `computed` the computed fields of each candidate.
        """
        found = []
        for asked in self._asked:
            fail, unknown = self._masks(asked, request, computed)
            found.append((fail & considered, unknown & considered))
        key = tuple(found)
        vetoes = self._vetoes.get(key)
        if vetoes is None:
            vetoes = _remember(self._vetoes, key, self._spelled_out(key))
        return vetoes

    def _masks(self, asked: _Asked, request: Values, computed: Sequence[Mapping[str, object]]) -> Masks:
        if asked.is_computed:
            return _ask(asked, request, computed)
        key = asked.key(request)
        masks = asked.memory.get(key)
        return _remember(asked.memory, key, _ask(asked, request, ())) if masks is None else masks

    def _spelled_out(self, masks: Sequence[Masks]) -> tuple[tuple[Veto, ...], ...]:
        vetoes: list[list[Veto]] = [[] for _ in range(self._count)]
        for asked, (fail, unknown) in zip(self._asked, masks, strict=True):
            for position in range(self._count):
                if fail >> position & 1:
                    vetoes[position].append(asked.fail)
                elif unknown >> position & 1:
                    vetoes[position].append(asked.unknown)
        return tuple(map(tuple, vetoes))


def _prepare(rule: CompiledRule, records: Sequence[Values], computed: frozenset[str]) -> _Asked:
    fields = rule.condition.fields
    request_fields = tuple(name for name in fields if name.startswith("request."))
    own_fields = [name for name in fields if not name.startswith("request.")]
    rule_id = rule.rule.rule_id
    return _Asked(
        rule=rule,
        key=itemgetter(*request_fields) if request_fields else _no_key,
        request_fields=request_fields,
        parts=tuple({name: record[name] for name in own_fields} for record in records),
        is_computed=not computed.isdisjoint(own_fields),
        fail=Veto(source="rule", rule_id=rule_id, reason=rule.rule.reason),
        unknown=Veto(source="rule", rule_id=rule_id, reason=rule.unknown_reason),
    )


def _no_key(_: Values) -> None:
    return None


def _ask(asked: _Asked, request: Values, computed: Sequence[Mapping[str, object]]) -> Masks:
    evaluate = asked.rule.condition.evaluate
    own = {name: request[name] for name in asked.request_fields}
    fail = unknown = 0
    for position, part in enumerate(asked.parts):
        record = {**part, **own, **computed[position]} if computed else {**part, **own}
        verdict = evaluate(record)
        if verdict is True:
            fail |= 1 << position
        elif verdict is None:
            unknown |= 1 << position
    return fail, unknown


def _remember(memory: dict[Any, Any], key: Any, value: Any) -> Any:
    if len(memory) >= _MEMORY:
        memory.clear()
    memory[key] = value
    return value

"""What would have changed a choice: the smallest change of one figure that makes another candidate preferred.

Found with the policy itself: a figure is moved away from what it was until the choice turns, then the turning point is
bisected. One figure is moved at a time; the rest stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Literal

from aurora.decisions.choice import Choice, choose
from aurora.decisions.policy import ConfiguredPolicy, Estimate

Figure = Literal["quality", "cost_usd", "latency_ms", "load_share", "utility", "parameter", "min_quality"]
_STEPS: Final = 64
_HALVINGS: Final = 50
_RIVALS: Final = 4
_FURTHEST: Final = 10.0
"""A parameter is moved up to this many times what it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """A figure, what it was, and from where on `winner` is preferred. `of` is a candidate or a parameter."""

    figure: Figure
    of: str
    before: float
    after: float
    winner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """Admissible candidates, sorted by id, and the policy that chooses among them."""

    estimates: Sequence[Estimate]
    configured: ConfiguredPolicy
    min_quality: float | None = None

    def choice(self) -> Choice:
        """What the policy makes of them."""
        return choose(self.estimates, self.configured, min_quality=self.min_quality)

    @property
    def preferred(self) -> str:
        """Id of the preferred candidate."""
        return self.estimates[self.choice().greedy].candidate_id

    @property
    def rivals(self) -> tuple[str, ...]:
        """Ids of the others, the next best first."""
        choice = self.choice()
        rest = [at for at in range(len(self.estimates)) if at != choice.greedy]
        rest.sort(key=lambda at: (-choice.scores[at], self.estimates[at].cost_usd))
        return tuple(self.estimates[at].candidate_id for at in rest)

    @property
    def alternative(self) -> str | None:
        """Id of the next best; None when there is one candidate."""
        return next(iter(self.rivals), None)


def flips(contest: Contest) -> tuple[Flip, ...]:
    """What would turn the choice: figures of the next best, then parameters of the policy. Empty for one candidate.

    Where no figure of the next best is enough, the ones after it are looked at in turn, a few.
    """
    rivals = contest.rivals
    if not rivals:
        return ()
    own: list[Flip] = []
    for rival in rivals[:_RIVALS]:
        own = [one for one in _of_candidate(contest, rival) if one is not None]
        if own:
            break
    return (*own, *(one for one in _of_policy(contest) if one is not None))


def _of_candidate(contest: Contest, rival: str) -> list[Flip | None]:
    at = next(i for i, one in enumerate(contest.estimates) if one.candidate_id == rival)
    now = contest.estimates[at]

    def changed(one: Estimate) -> Contest:
        estimates = [*contest.estimates[:at], one, *contest.estimates[at + 1 :]]
        return replace(contest, estimates=estimates)

    def quality(value: float) -> Contest:
        shifted = min(max(now.prior_quality + value - now.quality, 0.0), 1.0)
        return changed(replace(now, quality=value, prior_quality=shifted))

    cost = float(now.cost_usd)
    moves: list[tuple[Figure, float, float, Callable[[float], Contest]]] = [
        ("quality", now.quality, 1.0, quality),
        ("cost_usd", cost, 0.0, lambda value: changed(replace(now, cost_usd=Decimal(repr(value))))),
        ("latency_ms", now.latency_ms, 0.0, lambda value: changed(replace(now, latency_ms=value))),
        ("load_share", now.load_share, 0.0, lambda value: changed(replace(now, load_share=value))),
    ]
    if now.utility is not None:
        most = max(one.utility or 0.0 for one in contest.estimates)
        moves.append(("utility", now.utility, most + 1.0, lambda value: changed(replace(now, utility=value))))
    return [_turned(contest, figure, rival, begin, end, made) for figure, begin, end, made in moves]


def _of_policy(contest: Contest) -> list[Flip | None]:
    found = [_nearest(contest, name) for name in sorted(contest.configured.parameters)]
    asked = contest.min_quality
    if asked is not None:

        def insisting(value: float) -> Contest:
            return replace(contest, min_quality=value)

        found.append(_nearer([_turned(contest, "min_quality", "request", asked, e, insisting) for e in (0.0, 1.0)]))
    return found


def _nearest(contest: Contest, name: str) -> Flip | None:
    now = contest.configured.parameters[name]

    def run_with(value: float) -> Contest:
        parameters = {**contest.configured.parameters, name: value}
        return replace(contest, configured=replace(contest.configured, parameters=parameters))

    low = now / 100 if "scale" in name else min(now, 0.0)
    high = 1.0 if name.startswith("min_") else max(now * _FURTHEST, 1.0)
    return _nearer([_turned(contest, "parameter", name, now, end, run_with) for end in (low, high)])


def _nearer(found: Sequence[Flip | None]) -> Flip | None:
    known = [one for one in found if one is not None]
    return min(known, key=lambda one: abs(one.after - one.before)) if known else None


def _turned(
    contest: Contest, figure: Figure, of: str, begin: float, end: float, changed: Callable[[float], Contest]
) -> Flip | None:
    """The value nearest to `begin`, on the way to `end`, from which on another candidate is preferred."""
    before = contest.preferred
    if begin == end:
        return None
    last = begin
    for step in range(1, _STEPS + 1):
        value = begin + (end - begin) * (step / _STEPS) ** 2
        if _winner(changed(value)) not in (before, None):
            after = _bisected(last, value, lambda middle: _winner(changed(middle)) not in (before, None))
            return Flip(figure=figure, of=of, before=begin, after=after, winner=str(_winner(changed(after))))
        last = value
    return None


def _winner(contest: Contest) -> str | None:
    try:
        return contest.preferred
    except ZeroDivisionError:  # all weights are nothing: the policy says nothing
        return None


def _bisected(no: float, yes: float, is_turned: Callable[[float], bool]) -> float:
    for _ in range(_HALVINGS):
        middle = (no + yes) / 2
        if is_turned(middle):
            yes = middle
        else:
            no = middle
    return yes

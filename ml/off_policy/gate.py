"""The gate: whether a challenger may take the champion's place, and the evidence for it.

A challenger passes when the one-sided 95 % lower bound of what it earns more than the champion (paired, doubly robust)
is over 0, on enough decisions that speak of it, and when it breaks no rule, is calibrated and is fast enough. What it
cannot show keeps it out: no evidence is a reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ml.off_policy.estimators import Estimate, Floats, Logged, paired
from ml.off_policy.rewards import expected_rewards

MIN_EFFECTIVE_COUNT: Final = 500.0
MAX_CALIBRATION_ERROR: Final = 0.05
MAX_P99_MS: Final = 2.0
CANARY_SHARE: Final = 0.55
"""Share of decisions that a canary gives to the challenger, so that 1,000 of them are worth 500 for it even where it
never agrees with the champion (docs/adr/0034)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """What is known of a challenger beside its reward; None where nobody measured it."""

    calibration_error: float | None
    violation_count: int | None
    """Times it would have taken a candidate that a rule forbids."""
    p99_ms: float | None
    """Milliseconds a decision takes with it at the 99th percentile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The gate's word. `reasons` say what keeps the challenger out; none when it passes."""

    gain: Estimate
    conduct: Conduct
    reasons: tuple[str, ...]

    @property
    def is_promoted(self) -> bool:
        """Whether it may take the champion's place."""
        return not self.reasons

    @property
    def only_expects_wrongly(self) -> bool:
        """Whether its calibration alone keeps out what is shown to earn more."""
        error = self.conduct.calibration_error
        return len(self.reasons) == 1 and error is not None and error > MAX_CALIBRATION_ERROR

    def evidence(self) -> dict[str, Any]:
        """Figures to keep with the run: what was measured, beside what was asked."""
        low, high = self.gain.bounds()
        return {
            "gain": self.gain.value,
            "gain_lower_95": self.gain.lower,
            "gain_low": low,
            "gain_high": high,
            "decision_count": self.gain.count,
            "effective_count": self.gain.effective_count,
            "min_effective_count": MIN_EFFECTIVE_COUNT,
            "calibration_error": self.conduct.calibration_error,
            "max_calibration_error": MAX_CALIBRATION_ERROR,
            "violation_count": self.conduct.violation_count,
            "p99_ms": self.conduct.p99_ms,
            "max_p99_ms": MAX_P99_MS,
            "reasons": list(self.reasons),
        }


def judge(log: Logged, challenger: Floats, champion: Floats, prior: Floats, conduct: Conduct) -> Judgement:
    """Judge a challenger by logged decisions.

    `challenger` and `champion` are the probabilities with which each takes each candidate, (n, k); `prior` what was
    expected of each candidate, (n, k), in any unit.
    """
    gain = paired(log, challenger, champion, expected_rewards(log, prior))
    return Judgement(gain=gain, conduct=conduct, reasons=(*_short_of(gain), *_misconduct(conduct)))


def _short_of(gain: Estimate) -> list[str]:
    reasons = []
    if gain.effective_count < MIN_EFFECTIVE_COUNT:
        reasons.append(
            f"{gain.count} decisions are worth {gain.effective_count:.0f} for it; {MIN_EFFECTIVE_COUNT:.0f} are asked. "
            "Let it take a share of the decisions as a canary"
        )
    if not gain.lower > 0:
        reasons.append(
            f"it is not shown to be better: {gain.value:+.4f} a decision, at least {gain.lower:+.4f} with 95 % certainty"
        )
    return reasons


def _misconduct(conduct: Conduct) -> list[str]:
    reasons = []
    if conduct.calibration_error is None:
        reasons.append("its calibration was not measured")
    elif conduct.calibration_error > MAX_CALIBRATION_ERROR:
        reasons.append(f"calibration error {conduct.calibration_error:.3f} is over {MAX_CALIBRATION_ERROR}")
    if conduct.violation_count is None:
        reasons.append("it was not held against the rules")
    elif conduct.violation_count:
        reasons.append(f"it would have broken a rule {conduct.violation_count} times")
    if conduct.p99_ms is None:
        reasons.append("its latency was not measured")
    elif conduct.p99_ms > MAX_P99_MS:
        reasons.append(f"a decision takes {conduct.p99_ms:.2f} ms at the 99th percentile, over {MAX_P99_MS} ms")
    return reasons

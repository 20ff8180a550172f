from __future__ import annotations

from decimal import Decimal

from contracts.messages.decisions import Candidate, Decision


class MinimalEngine:
    def decide(self, request, *, actor_id, decision_id, decided_at, seed):
        c = tuple(
            Candidate(
                candidate_id=f"assistant-{i}",
                is_eligible=True,
                score=0.5 + i / 100,
                quality=0.9,
                cost_usd=Decimal("0.0012"),
                latency_ms=1200.0,
                propensity=0.05,
            )
            for i in range(16)
        )
        return Decision(
            decision_id=decision_id,
            tenant_id="bench",
            region="ae-dubai",
            kind="route_task",
            mode=request.mode,
            status="chosen",
            action="assistant-15",
            reason="highest score among 16 eligible",
            confidence=0.8,
            propensity=0.9,
            decided_at=decided_at,
            actor_id=actor_id,
            policy_id="weighted_v1",
            bundle_hash=None,
            rule_pack_hash="a" * 64,
            rules_checked=("a", "b", "c", "d"),
            snapshot_id=3,
            feature_hash="b" * 64,
            seed=seed,
            request=request,
            candidates=c,
            expected_cost_usd=Decimal("0.0012"),
            baseline_cost_usd=Decimal("0.002"),
        )


class MinimalEngines:
    def load(self, paths, settings):
        return MinimalEngine()

    def version(self, paths, settings):
        return "1"

"""What is expected of each language model for one prompt: quality by the trained router, cost by the price list."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from aurora.decisions.bundles import NOTHING_EXPECTED, Bundle
from aurora.decisions.policy import Estimate
from aurora.decisions.slates import NANO_USD, Slate
from aurora.packs import Llm
from contracts.messages.decisions import RouteLlmRequest

CHARS_PER_TOKEN = 4
"""What a prompt's length is taken for when its tokens are not counted."""
_MTOK = Decimal(1_000_000)


def llm_estimates(
    slate: Slate, request: RouteLlmRequest, llms: Mapping[str, Llm], bundle: Bundle | None, policy_id: str
) -> list[Estimate]:
    """One estimate a language model of the slate, as the policy looks; the pack's priors where the bundle is silent."""
    expected = NOTHING_EXPECTED
    if bundle is not None:
        expected = bundle.expect(request.prompt, task_type=request.task_type, policy_id=policy_id)
    quality, spread, means = expected.quality, expected.spread, expected.output_tokens
    input_tokens = Decimal(-(-len(request.prompt) // CHARS_PER_TOKEN))
    estimates = []
    for prior in slate.estimates:
        name = prior.candidate_id
        llm = llms[name]
        output_tokens = request.expected_output_tokens
        if output_tokens is None:
            output_tokens = round(means.get(name, llm.prior.output_tokens))
        price = llm.price
        spent = input_tokens * price.input_usd_per_mtok + output_tokens * price.output_usd_per_mtok
        estimates.append(
            Estimate(
                name,
                quality.get(name, prior.quality),
                prior.prior_quality,
                (spent / _MTOK).quantize(NANO_USD),
                prior.latency_ms,
                0.0,
                spread=spread.get(name, 0.0),
            )
        )
    return estimates

"""The simulated accounts: the calls' own counts and prices, but for three faults that are known."""

import datetime as dt
from collections import Counter
from decimal import Decimal

from aurora.gateway.prices import default_book
from aurora.ingest.sample_billing import billing
from aurora.ingest.sample_fleet import fleet_month
from aurora.packs import load_pack
from aurora.settings import Settings

UNTIL = dt.datetime(2026, 11, 25, 19, 5, tzinfo=dt.UTC)


def test_the_accounts_follow_the_calls_but_for_the_known_faults():
    month = fleet_month(load_pack(Settings().packs_dir, "real_estate"), seed=7, until=UNTIL, tasks=1200)
    made = billing(month.operations, seed=7, until=UNTIL, book=default_book())
    assert made == billing(month.operations, seed=7, until=UNTIL, book=default_book())
    logged = Counter(
        (call.provider_name, call.at.date().isoformat(), call.llm)
        for call in month.operations
        if call.error_type is None
    )
    wrong = Counter()
    for row in made["provider_usage"]:
        day = row["charge_period_start"][:10]
        difference = row["provider_request_count"] - logged[row["provider_name"], day, row["request_model"]]
        if difference:
            wrong[(UNTIL.date() - dt.date.fromisoformat(day)).days, difference > 0] += abs(difference)
        assert row["retrieved_at"] > row["charge_period_end"]
    assert set(wrong) <= {(5, True), (6, True), (11, False)}
    assert sum(wrong.values()) >= 2
    costs = {row["provider_name"]: Decimal(0) for row in made["provider_cost"]}
    for row in made["provider_cost"]:
        costs[row["provider_name"]] += Decimal(row["billed_cost"])
    assert set(costs) == {"openai", "anthropic"}
    assert all(usd > 0 for usd in costs.values())
    assert [row["provider_name"] for row in made["invoice_line"]] == ["anthropic", "openai"]

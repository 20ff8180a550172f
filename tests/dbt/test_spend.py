"""Reconciled spend against a generated truth: each injected fault is found and quantified, and no other."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths
from orchestration.dbt_runner import run_dbt
from tests.dbt import company
from tests.dbt.spend import Account, Row, account

SPEND = ["+spend_trust_daily", "+spend_invoices"]
KINDS = {"missing": "missing", "duplicate": "duplicate", "unpriced": "unpriced"}


def drop(paths: TenantPaths, made: Account, *, only: str = "") -> None:
    """The accounts as files of the landing folder, ingested; `only` names one of them."""
    folder = paths.landing / "accounts"
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, list[Row]] = {
        "log": made.log, "provider_usage": made.usage, "provider_cost": made.costs, "invoice_line": made.lines,
    }  # fmt: skip
    for name, rows in files.items():
        if not only or name == only:
            (folder / f"{name}.ndjson").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    company.ingest(paths)


def rows_of(paths: TenantPaths, table: str) -> list[Row]:
    with read_lake(paths) as lake:
        return lake.query(f"SELECT * FROM mart.{table} ORDER BY ALL").to_dicts()


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> tuple[TenantPaths, Account]:
    """A log with faults on odd days, whose accounts of the provider came after the first build."""
    paths = company.make_tenant(tmp_path_factory.mktemp("spend"))
    made = account(seed=5, fault_share=0.05, markup=Decimal("0.2"))
    drop(paths, made, only="log")
    run_dbt(paths, ("run",), select=SPEND)
    drop(paths, made)
    run_dbt(paths, ("build",), select=SPEND)
    return paths, made


def test_missing_copied_and_unpriced_rows_and_other_prices_are_found_exactly(faulty: tuple[TenantPaths, Account]):
    paths, made = faulty
    found = rows_of(paths, "spend_trust_daily")
    assert sum(count for (_, kind), (count, _) in made.faults.items() if kind != "price") > 60
    for row in found:
        day = (row["provider_name"], row["period_date"].isoformat())
        for kind in KINDS:
            count, usd = made.faults.get((day, kind), (0, Decimal(0)))
            assert row[f"{kind}_count"] == count, (day, kind)
            assert abs(row[f"{kind}_usd"] - usd) < Decimal("0.000001"), (day, kind)
        _, marked = made.faults.get((day, "price"), (0, Decimal(0)))
        assert abs(row["price_difference_usd"] - marked) < Decimal("0.000001"), day


def test_the_differences_explain_the_bill_to_the_last_micro_dollar(faulty: tuple[TenantPaths, Account]):
    for row in rows_of(faulty[0], "spend_trust_daily"):
        explained = row["missing_usd"] - row["duplicate_usd"] + row["unpriced_usd"] + row["price_difference_usd"]
        assert abs(row["difference_usd"] - explained) < Decimal("0.000001"), row


def test_a_day_without_faults_scores_1_and_one_with_faults_less(faulty: tuple[TenantPaths, Account]):
    paths, made = faulty
    wrong = {day for (day, _), (count, _) in made.faults.items() if count}
    for row in rows_of(paths, "spend_trust_daily"):
        day = (row["provider_name"], row["period_date"].isoformat())
        assert (row["trust_share"] == 1.0) == (day not in wrong), row
        assert (row["leg_count"], row["has_invoice"]) == (2, False)
        assert row["trust_share"] == pytest.approx(1 - row["error_share"])


def test_what_came_in_portions_is_what_one_build_gives(faulty: tuple[TenantPaths, Account]):
    paths = faulty[0]
    step_by_step = company.marts(paths)
    run_dbt(paths, ("run",), select=SPEND, full_refresh=True)
    assert company.marts(paths) == step_by_step


def test_an_invoice_is_held_against_the_costs_of_its_period(faulty: tuple[TenantPaths, Account]):
    for row in rows_of(faulty[0], "spend_invoices"):
        assert abs(row["provider_difference_usd"]) <= Decimal("0.005"), row  # an invoice is to the cent
        assert row["priced_difference_usd"] > 0


def test_a_clean_log_has_no_finding_at_all_however_coarse_the_account(tmp_path: Path):
    paths = company.make_tenant(tmp_path)
    made = account(seed=6)
    made.log = [row for row in made.log if row["request_model"] != "own-tuned-llm"]
    made.usage = [row | {"request_model": None} for row in made.usage if row["request_model"] != "own-tuned-llm"]
    made.costs = [row for row in made.costs if "own-tuned" not in row["line_item"]]
    drop(paths, made)
    run_dbt(paths, ("build",), select=SPEND)
    for row in rows_of(paths, "spend_trust_daily"):
        findings: dict[str, Any] = {
            name: row[name] for name in row if name.startswith(("missing", "dupl", "unpr", "price_"))
        }
        assert all(not value for value in findings.values()), row
        assert row["trust_share"] == 1.0


def test_without_an_account_of_the_provider_nothing_is_scored(tmp_path: Path):
    paths = company.make_tenant(tmp_path)
    made = account(seed=7, calls=60)
    open_day = [row | {"retrieved_at": row["charge_period_start"]} for row in made.usage]  # asked before it had ended
    made.usage, made.costs = open_day, [row | {"billing_currency": "EUR"} for row in made.costs]
    drop(paths, made)
    run_dbt(paths, ("build",), select=["+spend_trust_daily"])
    rows = rows_of(paths, "spend_trust_daily")
    assert rows
    assert {(row["leg_count"], row["trust_share"], row["missing_count"]) for row in rows} == {(0, None, None)}

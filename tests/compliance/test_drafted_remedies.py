"""A rule that asks for a report gets its draft: once, about the record that broke it, and never further than that."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from aurora.alerts import hands as hands_of_alerts
from aurora.alerts.hands import Hands
from aurora.compliance.enforcement import enforce
from aurora.compliance.remedies import chosen, read_remedies
from aurora.compliance.rulebook import Rulebook
from aurora.filings.book import read_filings
from aurora.filings.kind import kind_of
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from tests.compliance.conftest import UNTIL

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def store(own: TenantPaths) -> Iterator[StateStore]:
    with StateStore.open(own, clock=lambda: UNTIL) as opened:
        yield opened


def test_every_report_that_a_rule_names_is_a_kind_that_can_be_drafted(book: Rulebook):
    named = {rule.rule_id: rule.file.remediation for rule in book.rules if rule.file.remediation.drafts is not None}
    assert {"AML-002", "AML-007", "GDPR-015", "PDPL-007"} <= named.keys()
    for rule_id, remediation in named.items():
        assert "report_draft" in remediation.acts, rule_id
        assert kind_of(str(remediation.drafts)).kind == remediation.drafts


def test_a_cash_deal_gets_one_draft_that_waits_for_people(own: TenantPaths, book: Rulebook, store: StateStore):
    enforce(own, book, "AML-002", actor_id="omar", now=UNTIL, store=store, hands=Hands(own, store, book))
    drafted = chosen(read_remedies(store), act="report_draft", rule_id="AML-002")
    filings = {one.filing_id: one for one in read_filings(store)}
    assert drafted
    for remedy in drafted:
        filing = filings[str(remedy.proof["filing_id"])]
        assert remedy.remedy_state == "waiting"
        assert (filing.kind, filing.about_id, filing.state) == ("rear", remedy.about_id, "draft")
        assert filing.approved_by is None
    again = enforce(own, book, "AML-002", actor_id="omar", now=UNTIL + HOUR, store=store, hands=Hands(own, store, book))
    assert again.requested_count == 0
    assert len(read_filings(store)) == len(filings)


def test_a_draft_that_a_person_made_is_gone_on_with(own: TenantPaths, book: Rulebook, store: StateStore):
    first = Hands(own, store, book)
    enforce(own, book, "AML-002", actor_id="omar", now=UNTIL, store=store, hands=first)
    remedy = chosen(read_remedies(store), act="report_draft", rule_id="AML-002")[0]
    assert Hands(own, store, book).draft(remedy, now=UNTIL + HOUR) == remedy.proof["filing_id"]


def test_a_run_drafts_only_so_many_and_says_that_the_others_wait(
    own: TenantPaths, book: Rulebook, store: StateStore, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(hands_of_alerts, "DRAFTS_A_RUN", 0)
    enforce(own, book, "AML-002", actor_id="omar", now=UNTIL, store=store, hands=Hands(own, store, book))
    (remedy, *_) = chosen(read_remedies(store), act="report_draft", rule_id="AML-002")
    assert read_filings(store) == []
    assert (remedy.remedy_state, remedy.proof) == ("waiting", {})
    assert "aurora draft make" in remedy.reason

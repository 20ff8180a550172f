"""Two people, never an assistant: who may approve what, and what voids an approval."""

from __future__ import annotations

import datetime as dt

import msgspec
import polars as pl
import pytest

from aurora.audit.verify import verify
from aurora.errors import ConflictError, DataError, NotFoundError, PermissionDeniedError
from aurora.filings.book import approve, find_filing, hand_over, list_filings, reject, show_filing, submit
from aurora.filings.contents import content_hash, keep_content
from aurora.filings.drafting import fill_draft, refresh_draft
from aurora.filings.people import require_person
from aurora.store.lake import read_lake
from contracts.messages.filings import FilingEvent
from tests.compliance.conftest import fill
from tests.filings.sale import NOW, who

AMAL = who("person:amal")


@pytest.fixture
def in_review(reviewed, store):
    """A complete REAR of the owner's, waiting for another person; only where it is asked for is it there."""
    return find_filing(store, reviewed[1], who())


@pytest.fixture
def judged(store, paths):
    def act(judge, filing, identity=AMAL, digest=None, note="As it should be."):
        wanted = {"content_hash": digest or filing.content_hash, "identity": identity, "now": NOW, "note": note}
        return judge(store, paths, filing.filing_id, **wanted)

    return act


def test_a_draft_goes_from_one_person_to_another_and_to_the_authority(in_review, judged, store, paths):
    approved = judged(approve, in_review)
    assert (approved.state, approved.approved_by, approved.prepared_by) == ("approved", "person:amal", ("owner",))
    filed = hand_over(
        store, paths, approved.filing_id, authority_reference="GOAML-77", identity=who(), now=NOW, note=None
    )
    assert (filed.state, filed.authority_reference, filed.approved_by) == ("handed_over", "GOAML-77", "person:amal")
    with pytest.raises(ConflictError, match="handed over"):
        hand_over(store, paths, filed.filing_id, authority_reference="2", identity=who(), now=NOW)


def test_every_act_is_sealed_with_the_content_s_hash(in_review, judged, store, paths):
    judged(approve, in_review)
    entries = store.about(in_review.filing_id)
    events = [msgspec.json.decode(entry.body, type=FilingEvent) for entry in entries]
    assert [one.act for one in events] == ["made", "submitted", "approved"]
    content = show_filing(store, paths, in_review.filing_id, who()).content
    assert {one.content_hash for one in events} == {content_hash(content)}
    assert b"Farsi" not in b"".join(entry.body for entry in entries)  # no personal data in the log
    assert verify(paths).is_valid


@pytest.mark.parametrize(
    ("identity", "why"),
    [
        (who("owner"), "four eyes"),
        (who("laila"), "only people may"),
        (who("assistant:laila"), "only people may"),
        (who("person:laila"), "only people may"),  # an assistant under a person's name
        (who("goaml-bridge"), "only people may"),
        (who("person:amal", without=("filing:approve",)), "filing:approve"),
    ],
)
@pytest.mark.parametrize("judge", [approve, reject])
def test_who_may_not_judge_is_refused(in_review, judged, store, identity, why, judge):
    with pytest.raises(PermissionDeniedError, match=why):
        judged(judge, in_review, identity)
    assert find_filing(store, in_review.filing_id, who()).state == "in_review"


def test_a_person_is_known_by_the_lake_too_until_they_leave(paths):
    rows = [
        {"principal_id": "bea", "principal_kind": "person", "principal_state": "active"},
        {"principal_id": "cem", "principal_kind": "person", "principal_state": "left"},
        {"principal_id": "bot", "principal_kind": "service", "principal_state": "active"},
    ]
    fill(paths, {"principal": pl.DataFrame([{**one, "source": "hr", "updated_at": NOW} for one in rows])})
    with read_lake(paths) as lake:
        require_person(lake, who("bea"))
        for name in ("cem", "person:cem", "bot", "person:bot"):
            with pytest.raises(PermissionDeniedError):
                require_person(lake, who(name))


def test_a_draft_with_gaps_is_not_approved_but_may_be_sent_back(make, judged, store):
    filing = submit(store, make("pnmr", "H-1").filing.filing_id, identity=who(), now=NOW)
    with pytest.raises(DataError, match="action") as refused:
        judged(approve, filing)
    assert refused.value.rule == "mandatory"
    with pytest.raises(DataError, match="says why"):
        judged(reject, filing, note=None)
    assert judged(reject, filing, note="Say what was done.").state == "rejected"


def test_a_draft_whose_xml_does_not_fit_is_not_approved(make, judged, store):
    detail = make("rear", "D-1", {"reason": "y" * 4001})
    filing = submit(store, detail.filing.filing_id, identity=who(), now=NOW)
    with pytest.raises(DataError, match="does not fit") as refused:
        judged(approve, filing)
    assert refused.value.rule == "schema"


def test_a_changed_content_voids_the_approval(in_review, judged, store, paths, book):
    approved = judged(approve, in_review)
    again = fill_draft(store, paths, book, approved.filing_id, {"reason": "Another."}, identity=who(), now=NOW)
    assert (again.filing.state, again.filing.approved_by) == ("draft", None)
    with pytest.raises(ConflictError, match="cannot be handed over"):
        hand_over(store, paths, approved.filing_id, authority_reference="1", identity=who(), now=NOW)
    submit(store, approved.filing_id, identity=who(), now=NOW)
    with pytest.raises(ConflictError, match="not the one that was read"):
        judged(approve, in_review)  # the hash that Amal read before
    assert judged(approve, again.filing).state == "approved"


def test_who_filled_a_field_may_not_approve_either(make, judged, store, paths, book):
    filing = make("rear", "D-1").filing
    filled = fill_draft(store, paths, book, filing.filing_id, {"reason": "Amal's words."}, identity=AMAL, now=NOW)
    submit(store, filing.filing_id, identity=who(), now=NOW)
    with pytest.raises(PermissionDeniedError, match="four eyes"):
        judged(approve, filled.filing)


def test_a_file_that_was_changed_behind_the_journal_is_told_and_stops_everything(in_review, judged, store, paths, book):
    approved = judged(approve, in_review)
    (file,) = (paths.files("raw").parent / "filings" / approved.filing_id).glob("*.json")
    file.write_bytes(file.read_bytes().replace(b"30000.00", b"10000.00"))
    assert not show_filing(store, paths, approved.filing_id, who()).is_intact
    with pytest.raises(ConflictError, match="not the one"):
        hand_over(store, paths, approved.filing_id, authority_reference="1", identity=who(), now=NOW)
    mended = refresh_draft(store, paths, book, approved.filing_id, identity=who(), now=NOW + dt.timedelta(hours=1))
    assert (mended.filing.state, mended.is_intact) == ("draft", True)


def test_a_content_is_written_once_and_for_the_owner_alone(make, paths):
    detail = make("rear", "D-1")
    (file,) = (paths.files("raw").parent / "filings" / detail.filing.filing_id).glob("*.json")
    assert file.stat().st_mode & 0o777 == 0o600
    assert keep_content(paths, detail.filing.filing_id, detail.content) == file.stem


def test_of_two_who_act_at_once_one_is_told(in_review, judged):
    stale = in_review
    judged(reject, in_review, note="Not yet.")
    with pytest.raises(ConflictError):
        judged(approve, stale)


@pytest.mark.parametrize("kind_about", [("str", "S-1"), ("pnmr", "H-1")])
def test_nobody_learns_of_a_confidential_draft_without_the_scope(make, store, paths, kind_about):
    outsider = who("person:amal", without=("suspicion:read",))
    with pytest.raises(PermissionDeniedError, match="suspicion:read"):
        make(*kind_about, identity=outsider)
    filing_id = make(*kind_about).filing.filing_id
    assert list_filings(store, outsider) == []
    assert [one.filing_id for one in list_filings(store, AMAL)] == [filing_id]
    with pytest.raises(NotFoundError) as hidden:
        show_filing(store, paths, filing_id, outsider)
    with pytest.raises(NotFoundError) as absent:
        show_filing(store, paths, "fil_none", outsider)
    assert hidden.value.message.replace(filing_id, "fil_none") == absent.value.message
    with pytest.raises(NotFoundError):
        submit(store, filing_id, identity=outsider, now=NOW)

"""A product that was installed late: its packs are stale and say so, a person's review makes them fresh, of that text."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from aurora.compliance.posture import posture_by_regime
from aurora.compliance.publishing import publish_rule_packs
from aurora.compliance.reviews import review_packs, with_reviews
from aurora.compliance.rulebook import FOLDER, Rulebook, load_rulebook
from aurora.compliance.sweep import sweep
from aurora.compliance.versions import tenant_rulebook
from aurora.errors import NotFoundError, UsageError
from aurora.settings import Settings
from aurora.store.lake import create_lake, read_lake
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state import StateStore

PACKS = Settings().packs_dir
DAY = dt.timedelta(days=1)


@pytest.fixture
def late(book: Rulebook) -> dt.datetime:
    """A year after the packs were last held against the law."""
    return max(pack.file.checked_at for pack in book.packs) + 365 * DAY


@pytest.fixture
def store(tmp_path: Path, late: dt.datetime) -> Iterator[StateStore]:
    paths = create_tenant(tmp_path / "data", "demo", "ae-dubai")
    create_lake(paths)
    with StateStore.open(paths, clock=lambda: late) as opened:
        yield opened


def stale(paths: TenantPaths, now: dt.datetime) -> tuple[set[str], set[str]]:
    """Packs that GEN-008 finds after the build's own two steps, and regimes whose posture says that rules are stale."""
    book = tenant_rulebook(PACKS, paths, "real_estate")
    publish_rule_packs(paths, book, now=now)
    with read_lake(paths) as lake:
        found = sweep(book, lake, now=now)
        postures = posture_by_regime(book, lake, now=now)
    assert set(found.hits["rule_id"]) <= {"GEN-008"}  # nothing but that greets the owner of an empty company
    assert set(found.hits["severity"]) <= {"medium"}
    assert "non_compliant" not in {row["posture"] for row in postures}
    return set(found.hits["about_id"]), {row["regime"] for row in postures if row["is_stale"]}


def test_a_review_makes_a_pack_fresh_for_seven_days(store: StateStore, book: Rulebook, late: dt.datetime):
    paths = store.paths
    bound = {pack.file.rule_pack for pack in book.for_industry("real_estate").packs}
    assert stale(paths, late)[0] == bound
    made = review_packs(store, book, sorted(bound - {"dld"}), against="Gazette 812", actor_id="laila", now=late)
    assert len(made) == len(bound) - 1
    assert stale(paths, late + DAY) == ({"dld"}, {"dld"})
    reviewed = tenant_rulebook(PACKS, paths, "real_estate")
    assert reviewed.pack("rera").file.checked_against == "Gazette 812 (review by laila)"
    assert reviewed.rule("RERA-001").pack.checked_at == late
    assert reviewed.book_hash == book.for_industry("real_estate").book_hash
    assert stale(paths, late + 8 * DAY)[0] == bound


def test_a_review_says_nothing_of_a_text_that_was_changed(
    store: StateStore, book: Rulebook, late: dt.datetime, tmp_path: Path
):
    review_packs(store, book, ["uae_aml", "dld"], against="Gazette 812", actor_id="laila", now=late)
    shutil.copytree(PACKS / FOLDER, tmp_path / "packs" / FOLDER)
    file = tmp_path / "packs" / FOLDER / "uae_aml" / "params.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("value: 55000", "value: 54000"), encoding="utf-8")
    changed = with_reviews(load_rulebook(tmp_path / "packs"), store.paths)
    assert changed.pack("uae_aml").is_stale(late)
    assert not changed.pack("dld").is_stale(late)


def test_a_review_names_packs_that_there_are_and_what_they_were_held_against(
    store: StateStore, book: Rulebook, late: dt.datetime
):
    with pytest.raises(UsageError, match="held against"):
        review_packs(store, book, ["dld"], against="", actor_id="laila", now=late)
    with pytest.raises(NotFoundError):
        review_packs(store, book, ["dld", "mars"], against="Gazette 812", actor_id="laila", now=late)
    assert store.page("rules_review") == []

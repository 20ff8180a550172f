"""The page of golden records as its reader meets it: covered names, doubts to judge, systems that were told."""

import pytest
from streamlit.testing.v1 import AppTest

from aurora.entities.conflicts import settle_conflicts
from aurora.packs import load_pack
from aurora.settings import PROJECT_DIR, Settings
from aurora.store.lake import read_lake
from tests.entities.town import NOW


@pytest.fixture
def page(disagreeing, monkeypatch) -> AppTest:
    settle_conflicts(disagreeing, load_pack(Settings().packs_dir, "real_estate").assistants, clock=lambda: NOW)
    monkeypatch.setenv("AURORA_DATA_DIR", str(disagreeing.data_dir))
    app = AppTest.from_file(str(PROJECT_DIR / "apps" / "streamlit" / "app.py"), default_timeout=60)
    return app.switch_page("app_pages/golden_records.py")


def _run(app: AppTest) -> AppTest:
    app.run()
    assert [exception.message for exception in app.exception] == []
    assert list(app.error) == []
    return app


def test_it_says_how_many_there_are_and_covers_names_until_asked(page, disagreeing):
    app = _run(page)
    with read_lake(disagreeing) as lake:
        records = lake.query("SELECT count(*) FROM raw.entity_link").item()
        name = lake.query(
            "SELECT full_name FROM mart.gold_party ORDER BY record_count DESC, conflict_count DESC, gold_party_id LIMIT 1"
        ).item()
    assert f"{records} records are" in app.title[0].value
    shown = app.dataframe[0].value["full_name"].dropna()
    assert len(shown) > 50
    assert set(shown) == {"•••"}
    app.toggle(key="party_personal").set_value(True)
    assert name in list(_run(app).dataframe[0].value["full_name"])


def test_a_doubt_is_judged_and_is_gone(page, disagreeing):
    page.query_params["tab"] = "To judge"
    app = _run(page)
    before = len(app.dataframe[0].value)
    assert before >= 1
    app.text_input(key="judge_reason").set_value("Met both of them")
    next(button for button in app.button if button.label == "They are two").click()
    app = _run(app)
    assert "They stay two" in app.success[0].value
    with read_lake(disagreeing) as lake:
        left = lake.query(
            "SELECT count(*) FROM raw.entity_match WHERE match_verdict = 'review' AND entity_kind = 'party'"
        ).item()
    assert left == before - 1

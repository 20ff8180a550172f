"""The synthetic Dubai funnel, read in place: everything lands, and its agents of one name stay the people they are."""

from pathlib import Path

import pytest

from aurora.ingest.batch import ingest_file
from aurora.ingest.landing import drop_file
from aurora.store.lake import read_lake
from tests.entities.town import NOW, build, links

FUNNEL = Path(__file__).resolve().parents[3] / "shared" / "data" / "real_estate_synth"
ROWS = {"Agents": 90, "Customers": 5000, "Leads": 5000, "Properties": 600, "Sales": 813}


@pytest.fixture
def funnel(paths):
    if not FUNNEL.is_dir():
        pytest.skip("the funnel is not here")
    reports = {
        name: ingest_file(
            paths, drop_file(paths, FUNNEL / f"{name}.csv", source="funnel"), source="funnel", clock=lambda: NOW
        )
        for name in ROWS
    }
    assert {name: (one.good, one.quarantined) for name, one in reports.items()} == {n: (c, 0) for n, c in ROWS.items()}
    return paths


def test_agents_of_one_name_stay_two_people(funnel):
    figures = build(funnel)
    with read_lake(funnel) as lake:
        agents = lake.query("SELECT broker_id, full_name FROM raw.broker").rows()
    people = links(funnel)
    named: dict[str, set[str]] = {}
    for broker_id, name in agents:
        named.setdefault(name, set()).add(people["funnel", broker_id])
    assert sorted(name for name, who in named.items() if len(who) == 2) == [
        "Layla Hussain",
        "Omar Qureshi",
        "Zayd Malik",
    ]
    assert figures["party_entity_count"] == figures["party_record_count"] == 5045
    assert figures["property_entity_count"] == figures["property_record_count"] == 600


def test_the_funnel_keeps_its_words_in_the_houses_own(funnel):
    with read_lake(funnel) as lake:
        lead = lake.query("SELECT * FROM raw.lead WHERE lead_id = 'LEAD-003625'").row(0, named=True)
        studio = lake.query("SELECT count(*) FROM raw.property WHERE bedroom_count = 0 AND property_kind = 'apartment'")
        countries = lake.query("SELECT DISTINCT country FROM raw.party WHERE country IS NOT NULL").to_series()
    assert (lead["lead_status"], lead["lost_reason"]) == ("lost", "Unit sold out before decision")
    assert lead["updated_at"] == lead["qualified_at"] > lead["enquired_at"]
    assert studio.item() == 94
    assert set(countries.str.len_chars()) == {2}

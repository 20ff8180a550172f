"""The contracts page: a contract's columns, its way through the house, its rows, who may see what."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from apps.streamlit.reads.contracts import house, newest_batches
from apps.streamlit.reads.lake import Pin
from aurora.catalogue.graph import as_dot, as_mermaid, contract_graph, summary
from contracts.registry import domains, tables

Open = Callable[[str], AppTest]


def _opened(open_page: Open, **chosen: str) -> AppTest:
    app = open_page("contracts")
    for name, value in chosen.items():
        app.query_params[name] = value
    app.run()
    assert [exception.message for exception in app.exception] == []
    return app


def test_every_contract_stands_in_one_domain():
    listed = [name for names in domains().values() for name in names]
    assert sorted(listed) == sorted(tables())


@pytest.mark.usefixtures("pin")
def test_a_contract_is_shown_with_its_rows_and_columns(open_page: Open):
    app = _opened(open_page, contract="usage")
    tiles = {metric.label: metric.value for metric in app.metric}
    assert int(tiles["Rows"].replace(",", "")) > 0
    assert any("every row" in text.value or "key `usage_id`" in text.value for text in app.markdown)


@pytest.mark.usefixtures("pin")
def test_sample_rows_cover_what_is_personal(open_page: Open):
    app = _opened(open_page, contract="quarantine", tab="Sample rows")
    rows = next(frame.value for frame in app.dataframe if "raw_row" in frame.value.columns)
    assert len(rows) > 0
    assert set(rows["raw_row"]) == {"•••"}
    assert "•••" not in set(rows["rule"])


@pytest.mark.usefixtures("pin")
def test_who_may_see_what_names_the_encrypted_first(open_page: Open):
    app = _opened(open_page, contract="party", tab="Who sees what")
    table = next(frame.value for frame in app.dataframe if "who_sees_it" in frame.value.columns)
    assert table["who_sees_it"].iloc[0].startswith("Nobody: encrypted")
    assert "Owner, on request; covered for everybody else." in set(table["who_sees_it"])


@pytest.mark.usefixtures("pin")
@pytest.mark.parametrize("tab", ["Columns", "Lineage", "Sample rows", "Who sees what"])
def test_every_tab_opens_for_a_contract_without_rows(tab: str, open_page: Open):
    _opened(open_page, contract="scan_hit", tab=tab)


def test_the_graph_goes_from_the_senders_to_the_pages():
    graph = contract_graph(house(), "usage")
    assert {"usage_daily", "cost_daily"} <= set(graph.names("mart"))
    assert "kpi_ai_operation_error_rate" in graph.names("kpi")
    assert {"costs", "home"} <= set(graph.names("page"))
    assert graph.names("asset") == ["raw/usage"]
    assert "costs" in summary(graph, ("page",))
    dot = as_dot(graph, ink="#000000")
    assert dot.count("->") == len(graph.edges) == as_mermaid(graph).count("-->")


def test_a_contract_that_two_assistants_send_names_them():
    assert contract_graph(house(), "message_stat").names("assistant") == ["linda", "nina"]


def test_newest_batches_of_a_lake_without_any(pin: Pin):
    assert newest_batches(pin).columns == ["contract", "newest_at", "batch_count"]

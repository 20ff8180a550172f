"""PDF and XLSX: they open, hold the hash, are the same bytes again, and are found out when changed."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from pathlib import Path

import msgspec
import pytest

from aurora.errors import DataError
from aurora.insights.assistant_analysis import analyze_assistant
from aurora.insights.figures import AED_PER_USD
from aurora.insights.pdf import pdf_bytes
from aurora.insights.report import ALL_SCOPES, FINANCE, make_report
from aurora.insights.verify import read_report, verify_file
from aurora.insights.workbook import xlsx_bytes
from aurora.store.paths import TenantPaths
from tests.insights.brokerage import copied, marts, write_marts

MAKERS = {"pdf": pdf_bytes, "xlsx": xlsx_bytes}


def pages(content: bytes) -> list[str]:
    """Drawing commands of each page: what stands between stream and endstream and draws text."""
    from base64 import a85decode

    found = re.findall(
        rb"/Filter \[ /ASCII85Decode /FlateDecode \][^>]*>>\s*stream\r?\n(.*?)endstream", content, re.DOTALL
    )
    return [zlib.decompress(a85decode(part.strip().removesuffix(b"~>"))).decode("latin-1") for part in found]


@pytest.fixture(params=sorted(MAKERS))
def file(request: pytest.FixtureRequest, report, tmp_path: Path) -> Path:
    made = tmp_path / f"report.{request.param}"
    made.write_bytes(MAKERS[request.param](report))
    return made


def test_every_page_of_the_pdf_says_hash_snapshot_and_its_number(report):
    drawn = pages(pdf_bytes(report))
    assert len(drawn) > 3
    for number, page in enumerate(drawn, start=1):
        assert report.report_hash in page
        assert f"Snapshots: mart {report.mart_snapshot}" in page
        assert f"Page {number} of {len(drawn)}" in page
        assert "demo, Real estate" in page


def test_the_pdf_draws_charts_with_intervals(report):
    bars = [page for page in pages(pdf_bytes(report)) if page.count(" re f") + page.count(" re\nf") > 5]
    assert len(bars) >= 2


def test_the_workbook_has_typed_cells_frozen_headers_and_says_where_it_came_from(report):
    with zipfile.ZipFile(io.BytesIO(xlsx_bytes(report))) as archive:
        assert archive.testzip() is None
        book = archive.read("xl/workbook.xml").decode()
        sheets = [archive.read(f"xl/worksheets/sheet{number}.xml").decode() for number in range(1, 5)]
        texts = archive.read("xl/sharedStrings.xml").decode()
    assert re.findall(r'<sheet name="(\w+)"', book) == ["Figures", "Breakdowns", "Recommendations", "About", "JSON"]
    assert 'state="veryHidden"' in book
    assert all('state="frozen"' in sheet for sheet in sheets[:3])
    assert "<v>790000</v>" in sheets[0]  # the commission, a number and not a text
    assert report.report_hash in texts


def test_a_text_that_begins_like_a_formula_stays_a_text(report):
    risky = msgspec.structs.replace(
        report, recommendations=[msgspec.structs.replace(report.recommendations[0], what="=1+1")]
    )
    with zipfile.ZipFile(io.BytesIO(xlsx_bytes(risky))) as archive:
        assert "<f>" not in archive.read("xl/worksheets/sheet3.xml").decode()
        assert "=1+1" in archive.read("xl/sharedStrings.xml").decode()


def test_a_file_is_made_again_byte_for_byte_and_found_equal(file, report, paths, inputs):
    assert read_report(file.read_bytes()) == report
    assert MAKERS[file.suffix[1:]](report) == file.read_bytes()
    check = verify_file(file, paths, inputs)
    assert (check.is_equal, check.is_file_untouched, check.differences) == (True, True, [])
    assert check.hash_again == report.report_hash


def test_a_file_with_a_changed_figure_is_found_out(report, paths, inputs, tmp_path: Path):
    text = msgspec.json.encode(report)
    changed = tmp_path / "report.json"
    changed.write_bytes(text.replace(b'"value":790000.0', b'"value":990000.0', 1))
    check = verify_file(changed, paths, inputs)
    assert not check.is_equal
    assert check.differences[0].startswith("report_hash: ")
    assert check.differences[1:] == ["revenue_impact.figures[2].value: the file says 990000.0, the lake 790000.0"]


def test_a_pdf_whose_pages_were_redrawn_is_found_out(report, paths, inputs, tmp_path: Path):
    changed = tmp_path / "report.pdf"
    changed.write_bytes(pdf_bytes(report).replace(b"/Title (Business", b"/Title (Businezz", 1))
    check = verify_file(changed, paths, inputs)
    assert check.is_file_untouched is False
    assert check.differences == ["file: its bytes are not those that Aurora writes of the report inside"]


def test_a_report_stays_what_it_was_when_the_lake_moves_on(paths, inputs, tmp_path: Path):
    own = copied(paths, tmp_path)
    report = make_report(own, inputs, scopes={FINANCE}, time_period="month")
    file = tmp_path / "report.xlsx"
    file.write_bytes(xlsx_bytes(report))
    write_marts(own, {"bi_sales": marts(sales=3)["bi_sales"]})
    assert make_report(own, inputs, scopes={FINANCE}, time_period="month").report_hash != report.report_hash
    check = verify_file(file, own, inputs)
    assert (check.is_equal, check.compared_with) == (True, "its own snapshots")


def test_a_report_whose_snapshot_has_expired_is_held_against_the_newest(paths, inputs, report, tmp_path: Path):
    gone = tmp_path / "report.json"
    gone.write_bytes(msgspec.json.encode(msgspec.structs.replace(report, mart_snapshot=9_999)))
    check = verify_file(gone, paths, inputs)
    assert check.compared_with == "the newest snapshots, for its own have expired"
    assert [line.partition(":")[0] for line in check.differences] == ["report_hash"]


@pytest.mark.parametrize("content", [b"%PDF-1.4 nothing", b"PK nothing", b"{}", b"\xff\xfe", b""])
def test_a_file_without_a_report_is_refused(content, paths, inputs, tmp_path: Path):
    file = tmp_path / "other"
    file.write_bytes(content)
    with pytest.raises(DataError, match="report") as refused:
        verify_file(file, paths, inputs)
    assert "aurora report bi" in refused.value.next_step


def test_a_report_of_another_tenant_is_not_checked_here(report, paths, inputs, tmp_path: Path):
    file = tmp_path / "report.json"
    file.write_bytes(msgspec.json.encode(msgspec.structs.replace(report, tenant="other")))
    with pytest.raises(DataError, match="other"):
        verify_file(file, paths, inputs)


def test_an_assistant_is_held_against_peers_in_the_same_work(paths: TenantPaths):
    clara = analyze_assistant(paths, "clara", scopes=ALL_SCOPES, time_period="month")
    found = {one.figure.name: one for one in clara.metrics}
    assert list(found) == ["response_time", "accuracy", "cost", "compliance"]
    assert found["accuracy"].figure.value == pytest.approx(0.75)
    assert found["accuracy"].peers.value == pytest.approx(0.9)
    assert found["accuracy"].difference.high is not None
    assert found["accuracy"].difference.high <= -0.14
    assert [one.standing for one in found.values()] == ["worse", "worse", "worse", "worse"]
    assert found["cost"].difference.value == pytest.approx(0.02 * AED_PER_USD)
    assert found["compliance"].difference.value == pytest.approx(-0.1)
    slow = next(one for one in clara.recommendations if one.recommendation_id.startswith("response-time"))
    assert slow.expected_effect.value == pytest.approx(600 * 2)
    assert "move-listing_copy" in [one.recommendation_id for one in clara.recommendations]


def test_an_assistant_with_too_little_work_is_not_judged_and_money_needs_its_scope(paths: TenantPaths):
    hana = analyze_assistant(paths, "hana", scopes=set(), time_period="month")
    assert [one.standing for one in hana.metrics] == ["too few", "too few", "too few"]
    assert "at least 30 tasks on 7 days" in str(hana.metrics[0].figure.missing)
    assert hana.recommendations == []
    assert [one.needs_scope for one in hana.left_out] == [FINANCE]

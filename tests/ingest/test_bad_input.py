"""What owners really drop: each kind of bad file has a message with field, rule and next step, and the rest lands."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from aurora.errors import DataError, NotFoundError, UsageError
from aurora.ingest.batch import ingest_file, ingest_landing
from aurora.ingest.landing import drop_file, landed_files, require_landed
from aurora.store.paths import TenantPaths, tenant_paths

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
ROOT = Path(__file__).parents[2]


def clock() -> dt.datetime:
    return NOW


def ndjson(*rows: dict[str, object]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in rows)


def table(*rows: dict[str, object]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def only(refused: list[dict[str, object]]) -> tuple[object, object, object, str]:
    (one,) = refused
    return one["row_number"], one["column_name"], one["rule"], str(one["reason"])


# broken files -----------------------------------------------------------------------------------


def test_a_truncated_file_lands_up_to_the_cut(gateway, row):
    whole = ndjson(row(1), row(2), row(3))
    report = gateway.ingest("cut.ndjson", whole[:-30])
    assert (report.good, report.quarantined) == (2, 1)
    number, _, rule, reason = only(gateway.refused())
    assert (number, rule) == (3, "json")
    assert "It may be cut off; export it again." in reason


def test_a_truncated_csv_lands_up_to_the_cut(gateway, row):
    report = gateway.ingest("cut.csv", table(row(1), row(2))[:-12])
    assert (report.good, report.quarantined) == (1, 1)
    assert only(gateway.refused())[:3] == (3, None, "column_count")


def test_utf_16_is_refused_as_a_whole_and_named(gateway, row):
    gateway.drop("wide.ndjson", ndjson(row(1)).decode().encode("utf-16"))
    gateway.drop("good.ndjson", [row(2)])
    reports = ingest_landing(gateway.paths, clock=clock)
    assert [(one.file_name, one.good, one.quarantined) for one in reports] == [
        ("good.ndjson", 1, 0),
        ("wide.ndjson", 0, 1),
    ]
    reason = only(gateway.refused())[3]
    assert "wide.ndjson is in no format that is known" in reason or "UTF-16" in reason


def test_utf_16_under_a_named_format_says_so(gateway, row):
    report = gateway.ingest("wide.csv", table(row(1)).encode("utf-16"), source_format="canonical_csv")
    assert report.quarantined == 1
    _, _, rule, reason = only(gateway.refused())
    assert rule == "encoding"
    assert "UTF-16, not UTF-8. Export it as UTF-8" in reason


@pytest.mark.parametrize("name", ["latin.ndjson", "latin.csv"])
def test_a_latin_1_line_is_refused_alone(gateway, row, name):
    rows = [row(1), row(2, user_id="cafe!"), row(3)]
    rows[0]["user_id"] = rows[2]["user_id"] = "u"
    content = (ndjson(*rows) if name.endswith("ndjson") else table(*rows).encode()).replace(b"cafe!", b"caf\xe9")
    report = gateway.ingest(name, content)
    assert (report.good, report.quarantined) == (2, 1)
    _, _, rule, reason = only(gateway.refused())
    assert rule == "encoding"
    assert "Export the file as UTF-8" in reason


def test_swapped_columns_are_found_by_their_values(gateway, row):
    text = table(row(1), row(2)).replace("occurred_at,operation_name", "operation_name,occurred_at")
    report = gateway.ingest("swapped.csv", text)
    assert (report.good, report.quarantined) == (0, 2)
    found = {(one["column_name"], one["rule"]) for one in gateway.refused()}
    assert found == {("occurred_at", "type"), ("operation_name", "one_of")}
    assert "Check that the columns are not swapped" in gateway.refused()[0]["reason"]


def test_nul_bytes_refuse_their_line_alone(gateway, row):
    report = gateway.ingest("nul.ndjson", ndjson(row(1)) + b'{"usage_id": "\x00"}\n' + ndjson(row(2)))
    assert (report.good, report.quarantined) == (2, 1)
    assert only(gateway.refused())[0] == 2


def test_a_bom_and_crlf_change_nothing(gateway, row):
    report = gateway.ingest("dos.csv", b"\xef\xbb\xbf" + table(row(1), row(2)).replace("\n", "\r\n").encode())
    assert (report.good, report.quarantined) == (2, 0)
    assert sorted(gateway.look("SELECT usage_id FROM raw.usage")["usage_id"]) == ["call-1", "call-2"]


def test_a_quoted_newline_stays_in_its_value(gateway, row):
    report = gateway.ingest("lines.csv", table(row(1, user_id='two\nlines, "quoted"'), row(2, user_id="one")))
    assert (report.good, report.quarantined) == (2, 0)
    found = gateway.look("SELECT user_id, row_number FROM raw.usage ORDER BY usage_id").rows()
    assert found == [('two\nlines, "quoted"', 2), ("one", 4)]


def test_an_empty_file_is_said_to_be_empty(gateway):
    with pytest.raises(DataError, match=r"nothing\.csv is empty") as caught:
        gateway.ingest("nothing.csv", b"")
    assert (caught.value.field, caught.value.rule) == ("file", "not_empty")
    assert ingest_landing(gateway.paths, clock=clock) == []


def test_a_header_without_rows_lands_as_an_empty_batch(gateway, row):
    report = gateway.ingest("header.csv", table(row(1)).split("\n", 1)[0] + "\n")
    assert (report.rows, report.good, report.quarantined) == (0, 0, 0)


@pytest.mark.parametrize("cut", ["", "call-2,cut off\n"], ids=["whole", "cut"])
def test_a_column_without_a_name_is_left_out_and_the_rest_lands(gateway, cut):
    text = (
        ",usage_id,occurred_at,operation_name\n"
        "x,call-1,2026-09-02T10:00:00Z,chat\n" + cut + ",call-3,2026-09-02T10:01:00Z,chat\n"
    )
    report = gateway.ingest("a.csv", text)
    assert (report.good, report.quarantined) == (2, int(bool(cut)))
    assert [one["rule"] for one in gateway.refused()] == ["column_count"] * report.quarantined


def test_a_header_named_twice_is_refused_by_name(gateway, row):
    report = gateway.ingest("twice.csv", table(row(1)).replace("output_tokens", "input_tokens", 1))
    assert (report.good, report.quarantined) == (0, 1)
    number, _, rule, reason = only(gateway.refused())
    assert (number, rule) == (1, "header")
    assert "input_tokens twice. Keep one column of each name." in reason


def test_a_missing_key_column_is_made_up_from_content(gateway, row):
    # usage may come without ids; a task may not
    report = gateway.ingest("anonymous.ndjson", [row(1, usage_id=None), row(2, usage_id=None)])
    assert report.good == 2


def test_a_missing_required_key_is_refused_by_name(gateway):
    task = {"task_type": "viewing", "task_state": "completed", "submitted_at": "2026-09-01T10:00:00Z"}
    report = gateway.ingest("task.ndjson", [task, {**task, "task_id": "t-2"}], contract="task")
    assert (report.good, report.quarantined) == (1, 1)
    number, column, rule, reason = only(gateway.refused())
    assert (number, column, rule) == (1, "task_id", "not_null")
    assert "task_id is missing. Every row of task needs it" in reason


# broken values ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "value", "rule", "words"),
    [
        ("input_tokens", -5, "at_least", "input_tokens is -5. It must be at least 0."),
        ("input_tokens", "many", "type", "input_tokens is many. It must be a whole number."),
        ("occurred_at", "1970-01-20T10:00:00Z", "not_before", "look at the unit (s, ms) and the clock"),
        ("occurred_at", 1790000000, "type", "It must be a time such as 2026-11-21T08:30:00Z"),
        ("operation_name", "chitchat", "one_of", "It must be one of chat, "),
        ("is_error", "perhaps", "type", "It must be true or false"),
        ("reported_cost_usd", "-0.5", "at_least", "It must be at least 0"),
    ],
)
def test_a_bad_value_is_named_with_its_rule_and_next_step(gateway, row, column, value, rule, words):
    report = gateway.ingest("bad.ndjson", [row(1), row(2, **{column: value}), row(3)])
    assert (report.good, report.quarantined) == (2, 1)
    number, named, broken, reason = only(gateway.refused())
    assert (number, named, broken) == (2, column, rule)
    assert words in reason
    assert reason.endswith("Correct it at the source and send the row again.")


def test_an_unknown_language_model_lands_unpriced(gateway, row):
    report = gateway.ingest("own.ndjson", [row(1, request_model="llm-that-nobody-lists", provider_name="nobody")])
    assert (report.good, report.quarantined, report.unpriced) == (1, 0, 1)


# where files may lie --------------------------------------------------------------------------------


def test_a_path_outside_the_landing_folder_is_refused(gateway, row, tmp_path: Path):
    outside = tmp_path / "outside.ndjson"
    outside.write_bytes(ndjson(row(1)))
    folder = gateway.drop("a.ndjson", [row(2)]).parent
    link = folder / "link.ndjson"
    link.symlink_to(outside)
    for path in (outside, folder / ".." / ".." / ".." / ".." / outside.name, link, Path("/etc/hostname")):
        with pytest.raises(UsageError, match="outside the landing folder") as caught:
            ingest_file(gateway.paths, path, source="gateway", clock=clock)
        assert (caught.value.field, caught.value.rule) == ("file", "inside_landing")
        assert "links to other places are not followed" in caught.value.next_step


def test_another_tenants_landing_folder_is_outside(row, paths: TenantPaths):
    other = TenantPaths(paths.data_dir, "demo2", "ae-dubai")
    file = other.landing / "gateway" / "a.ndjson"
    file.parent.mkdir(parents=True)
    file.write_bytes(ndjson(row(1)))
    with pytest.raises(UsageError, match="outside the landing folder of demo"):
        require_landed(paths, file)


def test_a_link_in_the_landing_folder_is_quarantined_and_the_rest_lands(gateway, row, tmp_path: Path):
    (tmp_path / "secret.ndjson").write_bytes(ndjson(row(9)))
    link = gateway.drop("a.ndjson", [row(1)]).with_name("z.ndjson")
    link.symlink_to(tmp_path / "secret.ndjson")
    for known in (False, True):
        reports = ingest_landing(gateway.paths, clock=clock)
        assert [(one.good, one.quarantined, one.is_known) for one in reports] == [(1, 0, known), (0, 1, known)]
    assert only(gateway.refused())[2] == "inside_landing"
    assert gateway.look("SELECT usage_id FROM raw.usage")["usage_id"].to_list() == ["call-1"]


def test_a_file_in_no_known_format_is_quarantined_by_name_and_the_rest_lands(gateway, row):
    gateway.drop("a.ndjson", [row(1)])
    gateway.drop("photo.jpg", b"\xff\xd8\xff\xe0 not a table")
    reports = ingest_landing(gateway.paths, clock=clock)
    assert [(one.file_name, one.good, one.quarantined) for one in reports] == [("a.ndjson", 1, 0), ("photo.jpg", 0, 1)]
    _, _, rule, reason = only(gateway.refused())
    assert rule == "known_format"
    assert "Name the format, one of" in reason


def test_an_unknown_tenant_is_named(tmp_path: Path):
    with pytest.raises(NotFoundError, match="no tenant named 'nobody'") as caught:
        tenant_paths(tmp_path, "nobody")
    assert caught.value.field == "tenant"


def test_a_missing_file_is_named(gateway):
    with pytest.raises(NotFoundError, match=r"no file .*gone\.csv"):
        ingest_file(gateway.paths, gateway.paths.landing / "gateway" / "gone.csv", source="gateway", clock=clock)


def test_a_source_that_is_no_plain_name_never_becomes_a_folder(gateway, row, tmp_path: Path):
    (tmp_path / "a.ndjson").write_bytes(ndjson(row(1)))
    for source in ("../x", "", "A B", "/etc"):
        with pytest.raises(UsageError, match="is not a plain name"):
            drop_file(gateway.paths, tmp_path / "a.ndjson", source=source)


def test_a_dropped_file_keeps_its_name_and_another_content_gets_its_own(gateway, row, tmp_path: Path):
    file = tmp_path / "a.ndjson"
    file.write_bytes(ndjson(row(1)))
    first = drop_file(gateway.paths, file, source="gateway")
    assert drop_file(gateway.paths, file, source="gateway") == first
    file.unlink()
    file.write_bytes(ndjson(row(2)))
    second = drop_file(gateway.paths, file, source="gateway")
    assert (first.name, first.read_bytes()) == ("a.ndjson", ndjson(row(1)))
    assert second != first
    assert [name for name, _ in landed_files(gateway.paths)] == ["gateway", "gateway"]


def test_unfinished_and_hidden_files_are_left_alone(gateway, row):
    for name in ("a.ndjson.part", ".a.ndjson", "b.tmp"):
        gateway.drop(name, [row(1)])
    (gateway.paths.landing / "stray.ndjson").write_bytes(ndjson(row(1)))
    assert list(landed_files(gateway.paths)) == []


# size -------------------------------------------------------------------------------------------------

_BIG = """
import datetime as dt, json, resource, sys
from pathlib import Path
from aurora.gateway.prices import default_book
from aurora.ingest.batch import ingest_file
from aurora.store.paths import tenant_paths
import pandera.polars

paths = tenant_paths(Path(sys.argv[1]), "demo")
book = default_book()
small, big = (paths.landing / "gateway" / name for name in ("small.ndjson", "big.ndjson"))
clock = lambda: dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
ingest_file(paths, small, source="gateway", clock=clock, book=book)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
report = ingest_file(paths, big, source="gateway", clock=clock, book=book)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps({"grown_mib": grown / 1024, "good": report.good, "quarantined": report.quarantined}))
"""


def test_a_line_of_200_mb_is_refused_in_bounded_memory(gateway, row):
    gateway.drop("small.ndjson", [row(number) for number in range(100, 20_000)])
    big = gateway.drop("big.ndjson", [row(1)])
    with big.open("ab") as stream:
        stream.write(b'{"usage_id": "')
        stream.truncate(stream.tell() + 200 * 10**6)  # a hole in the file: no disk, and NULs to read
        stream.seek(0, 2)
        stream.write(b'"}\n' + ndjson(row(2)))
    command = [sys.executable, "-W", "ignore", "-c", _BIG, str(gateway.paths.data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["good"], told["quarantined"]) == (2, 1)
    # the limit of a line is 64 MiB: a buffer may grow to it twice while growing
    assert told["grown_mib"] < 180
    (refusal,) = gateway.refused()
    assert (refusal["row_number"], refusal["rule"]) == (2, "line_length")
    assert "AURORA_MAX_UPLOAD_MB" in refusal["reason"]

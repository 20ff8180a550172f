"""`aurora ingest`: a file from anywhere becomes rows; exit codes, messages and JSON are what scripts rely on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apps.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def aurora(paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line in this process: exit code, standard output, standard error."""
    monkeypatch.setenv("AURORA_DATA_DIR", str(paths.data_dir))

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["aurora", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return run


def export(folder: Path, rows: list[dict[str, Any]], name: str = "export.ndjson") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    return folder / name


def test_a_file_from_elsewhere_is_dropped_and_lands(aurora: Run, paths, row, tmp_path: Path):
    file = export(tmp_path / "mine", [row(1), row(2)])
    code, out, err = aurora("ingest", file, "--source", "my_gateway", "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    (batch,) = told["batches"]
    assert (told["tenant"], told["refusals"]) == ("demo", [])
    assert (batch["source"], batch["row_count"], batch["good_count"], batch["is_known"]) == ("my_gateway", 2, 2, False)
    assert batch["contracts"] == ["usage"]
    assert (paths.landing / "my_gateway" / "export.ndjson").read_bytes() == file.read_bytes()


def test_the_same_file_again_changes_nothing(aurora: Run, row, tmp_path: Path):
    file = export(tmp_path / "mine", [row(1)])
    first, again = (json.loads(aurora("ingest", file, "--source", "gw", "--json")[1])["batches"] for _ in range(2))
    assert again == [{**first[0], "is_known": True}]
    assert "held 1 of 1 before" in aurora("ingest", file, "--source", "gw")[1]


def test_quarantined_rows_end_with_3_and_are_told_by_rule(aurora: Run, row, tmp_path: Path):
    file = export(tmp_path / "mine", [row(1), row(2, input_tokens=-5), row(3, input_tokens=-7)])
    code, out, err = aurora("ingest", file, "--source", "gw", "--json")
    told = json.loads(out)
    assert (code, told["batches"][0]["good_count"]) == (3, 1)
    (refusal,) = told["refusals"]
    assert (refusal["column_name"], refusal["rule"], refusal["quarantined_count"]) == ("input_tokens", "at_least", 2)
    assert (refusal["first_row_number"], refusal["file_name"]) == (2, "export.ndjson")
    problem = json.loads(err)
    assert (problem["error"], problem["field"], problem["rule"]) == ("invalid-data", "input_tokens", "at_least")
    assert "2 of 3 rows were quarantined" in problem["message"]
    assert "Data page" in problem["next_step"]


def test_people_get_a_table_with_the_reasons(aurora: Run, row, tmp_path: Path):
    code, out, err = aurora("ingest", export(tmp_path / "m", [row(1), row(2, input_tokens=-5)]), "--source", "gw")
    assert code == 3
    assert "quarantined count" in out
    assert "input_tokens is -5. It must be at least 0." in out
    assert "next:" in err


def test_a_file_of_the_landing_folder_needs_no_source(aurora: Run, paths, row):
    file = export(paths.landing / "crm" / "2026", [row(1)])
    code, out, _ = aurora("ingest", file, "--json")
    assert (code, json.loads(out)["batches"][0]["source"]) == (0, "crm")


def test_the_landing_folder_as_a_whole_is_quiet_about_rows_it_refused(aurora: Run, paths, row):
    export(paths.landing / "crm", [row(1), row(2, input_tokens=-5)])
    export(paths.landing / "gw", [row(3)])
    code, out, err = aurora("ingest", "--json")
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert [(one["source"], one["good_count"]) for one in told["batches"]] == [("crm", 1), ("gw", 1)]
    assert [one["rule"] for one in told["refusals"]] == ["at_least"]


@pytest.mark.parametrize(
    ("arguments", "code", "field"),
    [
        (("gone.ndjson", "--source", "gw"), 5, "file"),
        (("export.ndjson",), 2, "--source"),
        (("export.ndjson", "--source", "../gw"), 2, "--source"),
        (("export.ndjson", "--source", "gw", "--format", "excel"), 2, "source_format"),
        (("export.ndjson", "--source", "gw", "--contract", "price"), 2, "contract"),
        (("export.ndjson", "--source", "gw", "--tenant", "nobody"), 5, "tenant"),
        (("empty.csv", "--source", "gw"), 3, "file"),
        (("photo.jpg", "--source", "gw"), 3, "source_format"),
    ],
)
def test_what_cannot_be_done_says_why_and_what_to_do(aurora: Run, paths, row, tmp_path: Path, arguments, code, field):
    export(tmp_path, [row(1)])
    (tmp_path / "empty.csv").touch()
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    ended, out, err = aurora("ingest", tmp_path / arguments[0], *arguments[1:], "--json")
    problem = json.loads(err)
    assert (ended, problem["field"], out) == (code, field, "")
    assert problem["next_step"]
    assert list(paths.landing.rglob("*.*")) == [], "what cannot be read must not stay in the landing folder"


def test_a_link_out_of_the_landing_folder_is_refused(aurora: Run, paths, row, tmp_path: Path):
    link = export(paths.landing / "gw", [row(1)]).with_name("link.ndjson")
    link.symlink_to(export(tmp_path / "mine", [row(2)]))
    code, _, err = aurora("ingest", link, "--json")
    assert (code, json.loads(err)["rule"]) == (2, "inside_landing")

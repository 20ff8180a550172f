"""`aurora quarantine`: rows are found, mended and ended from a script; exit codes and JSON are what it relies on."""

from __future__ import annotations

import json

import pytest

from apps.cli import main
from aurora.ingest.batch import ingest_file
from aurora.store.lake import create_lake
from aurora.store.paths import create_tenant
from tests.ingest.conftest import NOW, usage_row


@pytest.fixture
def aurora(tmp_path, monkeypatch, capsys):
    """The command line over a tenant with two refused rows: exit code, standard output, standard error."""
    paths = create_tenant(tmp_path, "demo", "ae-dubai")
    create_lake(paths)
    folder = paths.landing / "gateway"
    folder.mkdir(parents=True)
    rows = [usage_row(1), usage_row(2, input_tokens=-5), usage_row(3, output_tokens=-1)]
    (folder / "a.ndjson").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    ingest_file(paths, folder / "a.ndjson", source="gateway", clock=lambda: NOW)
    monkeypatch.setenv("AURORA_DATA_DIR", str(tmp_path))

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["aurora", "quarantine", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return run


def test_a_row_is_listed_shown_repaired_and_the_books_follow(aurora):
    listed = json.loads(aurora("list", "--json")[1])
    assert listed["counts"]["open"] == 2
    wrong = next(row["quarantine_id"] for row in listed["rows"] if row["column_name"] == "input_tokens")
    assert "input_tokens is -5. It must be at least 0." in aurora("show", wrong)[1]
    code, out, _ = aurora("repair", wrong, "--set", "input_tokens=5", "--reason", "a sign was lost", "--dry-run")
    assert (code, "Would land: 1" in out) == (0, True)
    code, out, _ = aurora("repair", wrong, "--set", "input_tokens=5", "--reason", "a sign was lost", "--json")
    assert (code, json.loads(out)["acts"][0]["landed"]) == (0, 1)
    code, _, err = aurora("repair", wrong, "--set", "input_tokens=5", "--reason", "a sign was lost")
    assert (code, "had been done before" in err) == (0, True)
    shown = json.loads(aurora("show", wrong, "--json")[1])
    assert (shown["row"]["state"], shown["history"][0]["note"]) == ("repaired", "a sign was lost")


def test_what_still_fails_ends_with_3_and_says_why(aurora):
    wrong = json.loads(aurora("list", "--json")[1])["rows"][0]["quarantine_id"]
    code, _, err = aurora("release", wrong, "--reason", "try it again", "--json")
    problem = json.loads(err)
    assert (code, problem["rule"]) == (3, "gate")
    assert "must be at least 0" in problem["message"]
    batch = json.loads(aurora("list", "--json")[1])["rows"][0]["batch_id"]
    assert aurora("rerun", batch[:10], "--reason", "try it again")[0] == 3
    assert aurora("discard", wrong, "--reason", "a vendor's test")[0] == 0
    assert json.loads(aurora("list", "--all", "--json")[1])["counts"]["discarded"] == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("show", "nothing"), 5),
        (("repair", "nothing", "--reason", "because of it"), 2),
        (("repair", "nothing", "--set", "tokens", "--reason", "because of it"), 2),
        (("repair", "nothing", "--row", "[1]", "--reason", "because of it"), 2),
        (("rerun", "nothing", "--reason", "because of it"), 5),
        (("list", "--state", "lost"), 2),
    ],
)
def test_a_wrong_call_names_the_next_step(aurora, arguments, code):
    ended, _, err = aurora(*arguments)
    assert (ended, "next:" in err) == (code, True)

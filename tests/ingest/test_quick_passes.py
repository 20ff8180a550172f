"""A quick decoder looks at what it reads only; what it passes over may be no JSON, and must not stop ingest."""

from __future__ import annotations

from pathlib import Path

import pytest

from aurora.ingest.portions import ROW, SourceFile
from aurora.ingest.source_formats import source_format

QUICK = [
    "otlp_json",
    "langfuse_json",
    "litellm_standard_logging_jsonl",
    "openai_usage_json",
    "provider_responses_jsonl",
]
PASSED_OVER = [b"1e400", b"-1e400", b"1" + b"0" * 5000, b"[" * 3000 + b"]" * 3000]


@pytest.mark.parametrize("value", PASSED_OVER, ids=["wide", "wide_negative", "long", "deep"])
@pytest.mark.parametrize("name", QUICK)
def test_a_value_that_no_computer_holds_is_its_documents_loss_only(tmp_path: Path, name: str, value: bytes) -> None:
    source = source_format(name)
    lines = source.sample(contract=source.CONTRACTS[0], row_count=12, seed=2).splitlines()
    for place in range(len(lines)):
        for odd in (lines[place], lines[place].replace(b'"chat"', b"7").replace(b'"type":"', b'"type":"x')):
            spoilt = b'{"passed_over":' + value + b"," + odd.removeprefix(b"{")
            rows, refused = _read(name, tmp_path, [*lines[:place], spoilt, *lines[place + 1 :]])
            whole, _ = _read(name, tmp_path, [*lines[:place], *lines[place + 1 :]])
            assert len(rows) >= len(whole)
            assert len(set(rows)) == len(rows)
            assert not set(rows) & set(refused)


def _read(name: str, folder: Path, lines: list[bytes]) -> tuple[list[int], list[int]]:
    file = folder / f"x.{name.rpartition('_')[2]}"
    file.write_bytes(b"\n".join(lines) + b"\n")
    source = source_format(name)
    read = source.read(SourceFile(path=file, contract=source.CONTRACTS[0], max_line_bytes=2**20))
    mine = [portion for portion in read if portion.contract == source.CONTRACTS[0]]
    return (
        [row for portion in mine for row in portion.rows[ROW]],
        [row for portion in mine for row in portion.refused[ROW]],
    )

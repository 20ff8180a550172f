"""Rows of one file with the same key are found whatever the order, and told apart by their content."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aurora.ingest.keys import KeyFilter, Settled
from contracts import registry

USAGE = registry.table("usage")


def usage(*rows: tuple[str, int]) -> pl.DataFrame:
    schema = {**registry.polars_schema(USAGE), "row_number": pl.Int64()}
    found = [{"usage_id": key, "input_tokens": tokens, "row_number": at} for at, (key, tokens) in enumerate(rows, 1)]
    return pl.DataFrame(found, schema=schema)


def run(folder: Path, batches: list[pl.DataFrame], *, expected_rows: int = 1000) -> tuple[list[int], Settled | None]:
    """Row numbers that were staged at once, and what came of the others."""
    keys = KeyFilter(USAGE, expected_rows=expected_rows)
    files: list[Path] = []
    staged: list[int] = []
    for number, batch in enumerate(batches):
        mask = keys.fresh(batch)
        fresh = batch if mask is None else batch.filter(mask)
        staged += fresh["row_number"].to_list()
        if fresh.height:
            files.append(folder / f"{number}.parquet")
            fresh.write_parquet(files[-1])
    return staged, keys.settle(files)


def numbers(settled: Settled | None) -> tuple[list[int], int, list[int]]:
    assert settled is not None
    return settled.good["row_number"].to_list(), settled.duplicate_count, settled.conflicts["row_number"].to_list()


def test_different_keys_are_all_fresh(tmp_path: Path):
    assert run(tmp_path, [usage(("a", 1), ("b", 2))]) == ([1, 2], None)


def test_an_equal_row_is_a_duplicate_and_a_different_one_a_conflict(tmp_path: Path):
    staged, settled = run(tmp_path, [usage(("a", 1), ("b", 2), ("a", 1), ("b", 3), ("b", 2))])
    assert staged == [1, 2]
    assert numbers(settled) == ([], 2, [4])


def test_the_first_of_a_key_may_lie_in_a_file_that_was_staged_before(tmp_path: Path):
    later = usage(("x", 0), ("b", 9), ("a", 1)).with_columns(pl.col("row_number") + 10)
    staged, settled = run(tmp_path, [usage(("a", 1), ("b", 2)), later])
    assert staged == [1, 2, 11]
    assert numbers(settled) == ([], 1, [12])


def test_derived_columns_do_not_make_two_rows_different(tmp_path: Path):
    twice = usage(("a", 1), ("a", 1)).with_columns(
        cost_source=pl.Series(["unpriced", "logged"]), source_format=pl.Series(["x", "y"])
    )
    assert numbers(run(tmp_path, [twice])[1]) == ([], 1, [])


def test_a_null_and_a_value_are_different_content(tmp_path: Path):
    assert numbers(run(tmp_path, [usage(("a", 1), ("a", None))])[1]) == ([], 0, [2])


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), expected_rows=st.sampled_from([1, 10_000]))
def test_rows_are_told_apart_as_a_dictionary_would(tmp_path_factory: pytest.TempPathFactory, seed, expected_rows):
    draw = random.Random(seed)
    rows = [(f"key-{draw.randrange(60)}", draw.randrange(2)) for _ in range(draw.randrange(1, 200))]
    # many keys in few marks: rows that are new are set aside as well, and must come back
    rows += [(f"only-{seed}-{number}", number) for number in range(draw.randrange(3000))]
    draw.shuffle(rows)
    frame = usage(*rows)
    cuts = sorted({0, frame.height, *(draw.randrange(frame.height) for _ in range(4))})
    batches = [frame[start:end] for start, end in itertools.pairwise(cuts)]
    staged, settled = run(tmp_path_factory.mktemp("keys"), batches, expected_rows=expected_rows)

    first: dict[str, int] = {}
    wanted: list[int] = []
    duplicates, conflicts = 0, []
    for at, (key, tokens) in enumerate(rows, 1):
        if key not in first:
            first[key] = tokens
            wanted.append(at)
        elif first[key] == tokens:
            duplicates += 1
        else:
            conflicts.append(at)
    good, duplicate_count, conflicting = ([], 0, []) if settled is None else numbers(settled)
    assert sorted(staged + good) == wanted
    assert (duplicate_count, sorted(conflicting)) == (duplicates, conflicts)

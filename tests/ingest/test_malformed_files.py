"""Files that went wrong on the way: the small version of the campaign of 1,000."""

from __future__ import annotations

import random

import pytest

from aurora.ingest.source_formats import source_formats
from benchmarks.campaigns.malformed_files import Malformed, campaign, intact_ids, malformed
from benchmarks.campaigns.mutations import MUTATIONS


def test_every_row_of_malformed_files_is_accounted_for_and_no_good_one_lost(tmp_path):
    files = malformed(count=24, seed=11, formats=tuple(source_formats().items()))
    outcome = campaign(files, folder=tmp_path)
    assert (outcome.crashed, outcome.unaccounted, outcome.lost) == ([], [], [])
    assert outcome.landed > 0
    assert outcome.quarantined > 0
    assert outcome.intact_count > 15


@pytest.mark.parametrize("name", sorted(MUTATIONS))
def test_a_mutation_is_what_its_seed_makes_it(name):
    data = b'{"usage_id": "a", "input_tokens": 12}\n{"usage_id": "b", "input_tokens": 7}\n'
    made = [MUTATIONS[name](data, random.Random(4)) for _ in range(2)]
    assert made[0] == made[1] != data


def test_a_row_is_followed_only_while_its_line_is_whole():
    rows = [("x:a", "a1"), ("x:b", "b2")]
    file = Malformed("f.ndjson", (), b'{"id":"a1"}\n{"id":"b2"}\n', b'{"id":"a1"}\n{"id":"b2"\n')
    assert intact_ids(file, rows) == ["x:a"]

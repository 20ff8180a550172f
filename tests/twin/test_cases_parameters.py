"""What the rules leave open is the same for the twin that plants cases and for the packs that judge them."""

from pathlib import Path

import pytest
import yaml

from twin.cases.parameters import PARAMETERS

RULES = Path(__file__).parents[2] / "packs" / "_rules"
CALLED = {"gcc": "gcc_countries", "ubo_coverage": "ubo_coverage_share", "sensitive_subjects": "sensitive_subject_limit"}
"""Names in the packs, where they differ. Business days are the packs' calendars'."""


def declared() -> dict[str, object]:
    found: dict[str, object] = {}
    for file in sorted(RULES.glob("*/params.yaml")):
        told = yaml.safe_load(file.read_text(encoding="utf-8"))
        found |= {name: one["value"] for name, one in told.get("parameters", told).items()}
    return found


@pytest.mark.parametrize("name", [name for name in PARAMETERS if name != "ffr_business_days"])
def test_a_parameter_has_the_value_that_the_packs_give_it(name: str):
    mine, theirs = PARAMETERS[name], declared()[CALLED.get(name, name)]
    assert (list(mine) if isinstance(mine, tuple) else mine) == theirs

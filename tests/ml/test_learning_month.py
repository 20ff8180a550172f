"""A month of the twin with learning on, small: it earns more than the fleet's own routing and forbids what it forbids."""

from benchmarks import learning


def test_a_small_month_beats_the_fleets_own_routing_and_breaks_no_rule():
    found = {one.metric: one.value for one in learning.run(data=None, scale=0.1)}
    assert found["tasks"] > 500
    assert found["compliance_regressions"] == 0
    assert found["success"] > found["success_of_fleets_own"]
    assert found["success_over_oracle"] > 0.93
    assert found["saving_over_fleets_own"] > 0.25

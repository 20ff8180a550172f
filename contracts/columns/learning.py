"""What decisions learn from: published features, conflicts and who was right. One line a column."""

from contracts.field import SHARE, SLUG, Field, at_least, one_of
from contracts.vocabulary import CONFLICT_SOURCES, CONFLICT_STATES, SCORE_SOURCES

COLUMNS: tuple[Field, ...] = (
    Field(name="conflict_id", type="text", meaning="Contradictory recommendations about one subject."),
    Field(name="conflict_state", type="text", meaning="How far a conflict has come.", privacy="public", checks=one_of(*CONFLICT_STATES)),
    Field(name="topic", type="text", meaning="What recommendations are about: reliability is kept by topic.", privacy="public", checks=SLUG),
    Field(name="recommendations", type="json", meaning="Who recommended what, how sure and when, a JSON array."),
    Field(name="detected_by", type="text", meaning="How the conflict was noticed.", privacy="public", checks=one_of(*CONFLICT_SOURCES)),
    Field(name="right_action", type="text", meaning="The recommended action that turned out to be right."),
    Field(name="is_resolution_right", type="bool", meaning="What was followed turned out to be right; null where nothing was."),
    Field(name="scored_by", type="text", meaning="Whether an outcome or a person said who was right.", privacy="public", checks=one_of(*SCORE_SOURCES)),
    Field(name="raw_snapshot_id", type="int", meaning="Snapshot of the raw lake that the figures were derived from.", checks=at_least(0)),
    Field(name="task_count", type="int", unit="tasks", meaning="Tasks behind the figures.", checks=at_least(0)),
    Field(name="success_share", type="float", unit="share", meaning="Share of settled tasks that succeeded.", checks=SHARE),
    Field(name="duration_p50_ms", type="float", unit="ms", meaning="Median time to finish a task.", checks=at_least(0)),
    Field(name="cost_usd_mean", type="decimal", unit="USD", meaning="Mean cost of a priced task.", checks=at_least(0)),
)

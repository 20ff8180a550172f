"""Golden records: which records of several systems are one party or property, and why. One line a column."""

from contracts.field import Field, at_least, one_of
from contracts.vocabulary import ENTITY_KINDS, MATCH_VERDICTS, SURVIVOR_STRATEGIES

COLUMNS: tuple[Field, ...] = (
    Field(name="entity_kind", type="text", meaning="What is golden: a party or a property.", privacy="public", checks=one_of(*ENTITY_KINDS)),
    Field(name="entity_id", type="text", meaning="The golden record that a source's record belongs to."),
    Field(name="own_entity_id", type="text", meaning="The golden record that the source's record would be alone; an id that was merged away leads on by it."),
    Field(name="first_batch_seq", type="int", meaning="Batch in which the record first came: the oldest record names the golden one.", checks=at_least(0)),
    Field(name="linked_at", type="timestamp", unit="UTC", meaning="When the record came to belong where it does."),
    Field(name="match_id", type="text", meaning="Two records held against each other."),
    Field(name="left_source", type="text", meaning="Source of the first record.", privacy="public"),
    Field(name="left_record_id", type="text", meaning="Id of the first record in its source.", privacy="personal"),
    Field(name="right_source", type="text", meaning="Source of the second record.", privacy="public"),
    Field(name="right_record_id", type="text", meaning="Id of the second record in its source.", privacy="personal"),
    Field(name="match_verdict", type="text", meaning="One and the same, for a person to say, or refused although it looks alike.", privacy="public", checks=one_of(*MATCH_VERDICTS)),
    Field(name="match_rule", type="text", meaning="The rule that gave the verdict: same_emirates_id, phone_and_name, score ...", privacy="public"),
    Field(name="match_evidence", type="json", meaning="What spoke for and against it, in bits, a JSON object. No value of the records stands in it."),
    Field(name="survivor_column", type="text", meaning="Column of the golden record that a survivorship rule is about.", privacy="public"),
    Field(name="survivor_strategy", type="text", meaning="Which value survives: the most trusted source's, the newest, the longest, the most frequent.", privacy="public", checks=one_of(*SURVIVOR_STRATEGIES)),
    Field(name="trusted_source", type="text", meaning="Source that the trust rank is about; * for all others.", privacy="public"),
    Field(name="trust_rank", type="int", meaning="Place of the source in the order of trust, from 1.", checks=at_least(1)),
    Field(name="is_synced", type="bool", meaning="Systems that hold another value are told to take the golden one."),
)

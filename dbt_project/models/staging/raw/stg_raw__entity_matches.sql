select
    match_id,
    entity_kind,
    left_source,
    left_record_id,
    right_source,
    right_record_id,
    match_verdict,
    match_rule,
    match_share,
    match_evidence,
    linked_at
from {{ source("raw", "entity_match") }}

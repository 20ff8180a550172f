select outcome_id, decision_id, actor_id, occurred_at, is_success, quality, cost_usd, duration_ms, region, journal_seq
from {{ source("raw", "outcome") }}

select override_id, decision_id, actor_id, occurred_at, override_action, reason, region, journal_seq
from {{ source("raw", "override") }}

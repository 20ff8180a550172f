select entity_kind, survivor_column, trusted_source, survivor_strategy, trust_rank, is_synced
from {{ source("raw", "survivor_rule") }}

select
    rule_id,
    rule_pack_id,
    regime,
    about_contract,
    rule_pack_hash,
    judged_count,
    broken_count,
    unknown_count,
    checked_at,
    updated_at,
    region
from {{ source("raw", "rule_sweep") }}

select
    batch_id,
    source,
    contract,
    column_name,
    identifier_class,
    privacy_action,
    finding_count,
    unsure_count,
    {{ utc_day("ingested_at") }} as ingested_date
from {{ source("raw", "privacy_finding") }}

select
    quarantine_id,
    batch_id,
    contract,
    source,
    source_format,
    file_name,
    row_number,
    column_name,
    rule,
    reason,
    ingested_at,
    {{ utc_day("ingested_at") }} as ingested_date
from {{ source("raw", "quarantine") }}

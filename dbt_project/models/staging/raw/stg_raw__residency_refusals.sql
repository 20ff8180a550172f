select
    batch_id,
    source,
    source_format,
    file_name,
    contract,
    row_number,
    refused_region,
    row_hash,
    reason,
    ingested_at,
    {{ utc_day("ingested_at") }} as ingested_date
from {{ source("raw", "residency_refusal") }}

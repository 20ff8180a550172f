select
    batch_id,
    batch_seq,
    contract,
    source,
    source_format,
    file_name,
    row_count,
    good_count,
    quarantined_count,
    duplicate_count,
    unpriced_count,
    ingested_at,
    repairs_batch_id,
    {{ utc_day("ingested_at") }} as ingested_date
from {{ source("raw", "ingest_batch") }}

select
    document_id,
    document_kind,
    record_class,
    party_id,
    deal_id,
    filed_at,
    retention_end_date,
    content_hash,
    source,
    is_sample,
    region,
    updated_at,
    batch_id,
    batch_seq,
    row_number,
    ingested_at
from {{ source("raw", "document") }}

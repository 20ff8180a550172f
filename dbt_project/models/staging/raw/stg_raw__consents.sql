select
    consent_id,
    party_id,
    consent_purpose,
    is_granted,
    channel,
    granted_at,
    withdrawn_at,
    evidence_document_id,
    source,
    is_sample,
    region,
    updated_at,
    batch_id,
    batch_seq,
    row_number,
    ingested_at
from {{ source("raw", "consent") }}

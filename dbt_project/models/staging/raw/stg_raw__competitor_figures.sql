select
    competitor_name,
    measure_name,
    measure_value,
    measure_unit,
    as_of_date,
    source_note,
    source,
    is_sample,
    updated_at,
    batch_id,
    batch_seq,
    row_number,
    ingested_at
from {{ source("raw", "competitor_figure") }}

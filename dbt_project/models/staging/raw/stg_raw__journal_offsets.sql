select journal_seq, row_count, ingested_at from {{ source("raw", "journal_offset") }}

select entity_kind, source, source_record_id, entity_id, own_entity_id, first_batch_seq, linked_at
from {{ source("raw", "entity_link") }}

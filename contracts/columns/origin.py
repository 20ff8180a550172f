"""Where a row came from, and the books that ingest keeps. One line a column."""

from contracts.field import SLUG, Field, at_least

COLUMNS: tuple[Field, ...] = (
    Field(name="source", type="text", meaning="The system that exported the row: its landing folder.", privacy="public"),
    Field(name="source_format", type="text", meaning="The format it was written in (aurora/ingest/formats).", privacy="public"),
    Field(name="source_record_id", type="text", meaning="The id the source gave the row."),
    Field(name="file_name", type="text", meaning="Name of the file a batch came in."),
    Field(name="content_hash", type="text", meaning="SHA-256 of the content, hex."),
    Field(name="contract", type="text", meaning="The contract a row was checked against.", privacy="public"),
    Field(name="rule", type="text", meaning="The check a row failed: not_null, type, at_least, unique_key ...", privacy="public"),
    Field(name="column_name", type="text", meaning="The column the failed check is about; empty when it is the whole row.", privacy="public"),
    Field(name="reason", type="text", meaning="What was wrong, in plain words, with the next step.", privacy="personal"),
    Field(name="raw_row", type="json", meaning="The row as it came, for repair.", privacy="sensitive", residency="tenant_region"),
    Field(name="region", type="text", meaning="Region whose law and storage the row belongs to, such as ae-dubai.", privacy="public", checks=SLUG),
    Field(name="source_cursor", type="text", meaning="Where the next pull from the source begins; empty when nobody pulled."),
    Field(name="row_count", type="int", unit="rows", meaning="Rows in the batch as it came.", checks=at_least(0)),
    Field(name="good_count", type="int", unit="rows", meaning="Rows landed.", checks=at_least(0)),
    Field(name="quarantined_count", type="int", unit="rows", meaning="Rows refused.", checks=at_least(0)),
    Field(name="duplicate_count", type="int", unit="rows", meaning="Rows that had landed before, unchanged.", checks=at_least(0)),
    Field(name="unpriced_count", type="int", unit="rows", meaning="Rows landed without a price.", checks=at_least(0)),
    Field(name="journal_seq", type="int", meaning="Last journal record that the lake holds.", checks=at_least(0)),
)

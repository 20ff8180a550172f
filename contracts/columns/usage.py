"""AI usage and what it costs. One line a column."""

from contracts.field import Field, at_least, one_of
from contracts.vocabulary import COST_SOURCES, OPERATIONS

COLUMNS: tuple[Field, ...] = (
    Field(name="operation_name", type="text", meaning="What was asked of the language model (OpenTelemetry gen_ai.operation.name).", privacy="public", checks=one_of(*OPERATIONS)),
    Field(name="provider_name", type="text", meaning="Who served it (OpenTelemetry gen_ai.provider.name).", privacy="public"),
    Field(name="request_model", type="text", meaning="Language model asked for.", privacy="public"),
    Field(name="response_model", type="text", meaning="Language model that answered.", privacy="public"),
    Field(name="input_tokens", type="int", unit="tokens", meaning="Input tokens, cached ones included; null when the source does not say.", checks=at_least(0)),
    Field(name="output_tokens", type="int", unit="tokens", meaning="Output tokens, reasoning included; null when the source does not say.", checks=at_least(0)),
    Field(name="cache_read_input_tokens", type="int", unit="tokens", meaning="Input tokens read from the provider's cache (part of input_tokens).", checks=at_least(0)),
    Field(name="cache_creation_input_tokens", type="int", unit="tokens", meaning="Input tokens written to the provider's cache (part of input_tokens).", checks=at_least(0)),
    Field(name="reasoning_output_tokens", type="int", unit="tokens", meaning="Output tokens spent on reasoning (part of output_tokens).", checks=at_least(0)),
    Field(name="estimated_input_tokens", type="int", unit="tokens", meaning="Input tokens as ingest estimates them from the text, where the source counts none: never priced.", checks=at_least(0)),
    Field(name="estimated_output_tokens", type="int", unit="tokens", meaning="Output tokens as ingest estimates them from the text, where the source counts none: never priced.", checks=at_least(0)),
    Field(name="is_side_branch", type="bool", meaning="The answer lies on a branch of the conversation that the person left: it was asked again or edited."),
    Field(name="request_count", type="int", unit="requests", meaning="Requests that the row stands for.", checks=at_least(1)),
    Field(name="duration_ms", type="int", unit="ms", meaning="From request to last byte.", checks=at_least(0)),
    Field(name="time_to_first_chunk_ms", type="int", unit="ms", meaning="From request to the first streamed chunk.", checks=at_least(0)),
    Field(name="is_error", type="bool", meaning="The operation failed."),
    Field(name="error_type", type="text", meaning="Class of the failure (OpenTelemetry error.type)."),
    Field(name="is_compliance_validated", type="bool", meaning="Compliance rules were checked and passed before the answer was used."),
    Field(name="business_value_usd", type="decimal", unit="USD", meaning="Worth of the result as the source estimated it."),
    Field(name="reported_cost_usd", type="decimal", unit="USD", meaning="Cost as the source reported it; null when it did not.", checks=at_least(0)),
    Field(name="cost_usd", type="decimal", unit="USD", meaning="Cost in use; null when unpriced, never 0 for unknown.", checks=at_least(0)),
    Field(name="cost_source", type="text", meaning="Where cost_usd comes from: the provider's bill, the exporter's log, the price book, or nowhere.", privacy="public", checks=one_of(*COST_SOURCES)),
    Field(name="price_source", type="text", meaning="The price list a price was taken from.", privacy="public"),
    Field(name="input_usd_per_mtok", type="decimal", unit="USD / 1M tokens", meaning="Price of uncached input.", privacy="public", checks=at_least(0)),
    Field(name="output_usd_per_mtok", type="decimal", unit="USD / 1M tokens", meaning="Price of output.", privacy="public", checks=at_least(0)),
    Field(name="cache_read_usd_per_mtok", type="decimal", unit="USD / 1M tokens", meaning="Price of cached input; null: as uncached.", privacy="public", checks=at_least(0)),
    Field(name="cache_write_usd_per_mtok", type="decimal", unit="USD / 1M tokens", meaning="Price of input written to the cache; null: as uncached.", privacy="public", checks=at_least(0)),
    Field(name="request_usd", type="decimal", unit="USD", meaning="Price of one request on top of tokens.", privacy="public", checks=at_least(0)),
    Field(name="tier_start_tokens", type="int", unit="tokens", meaning="Smallest input for which the price holds; 0 for the base price.", privacy="public", checks=at_least(0)),
)

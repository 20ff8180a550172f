"""Tables of the twin in the formats of other systems: gateways, tracers, providers, ChatGPT.

Rows of usage become operations and go through the formats' own writers. These are small parts of a history; the
bulk goes as Parquet.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import polars as pl

from aurora.ingest.formats import (
    azure_llm_csv,
    langfuse_csv,
    langfuse_json,
    litellm_spend_logs_csv,
    litellm_spend_logs_json,
    litellm_standard_logging_jsonl,
    openai_costs_json,
    openai_usage_json,
    otlp_json,
    otlp_protobuf,
    provider_responses_jsonl,
)
from aurora.ingest.sample_operations import Operation

_PROJECT: Final = "twin-simulated"
_QUESTIONS: Final = (
    "Which areas have two-bedroom flats near the sea for less than two million dirhams?",
    "Please shorten this listing and keep the permit number at its end.",
    "What does a buyer pay on top of the price, and who collects it?",
    "Sum up the last meeting of the sales team in five lines.",
    "How do I explain a payment plan of an off-plan unit to a first-time buyer?",
)
_ANSWERS: Final = (
    "Dubai Marina, Jumeirah Village Circle and Business Bay have some; look at the service charges as well.",
    "Bright two-bedroom flat with a view of the marina, upgraded kitchen, two parking spaces. The permit follows.",
    "The transfer fee of the Land Department, the trustee's fee, the agent's commission with VAT, and the mortgage fee.",
    "Leads are up, viewings are down. Two agents were assigned to the new project. The next meeting is on Monday.",
    "You pay a part now, a part while it is built and the rest at handover; each part is tied to a stage of the works.",
)


def _operations(rows: pl.DataFrame) -> list[Operation]:
    names = (
        "span_id", "trace_id", "conversation_id", "assistant_id", "occurred_at", "operation_name", "provider_name",
        "request_model", "input_tokens", "output_tokens", "cache_read_input_tokens", "duration_ms",
        "time_to_first_chunk_ms", "error_type", "cost_usd",
    )  # fmt: skip
    return [
        Operation(
            operation_id=span,
            trace_id=trace,
            conversation_id=talk or trace,
            assistant_id=assistant,
            at=at,
            operation_name=operation,
            provider_name=provider,
            llm=llm,
            input_tokens=inputs,
            output_tokens=outputs,
            cache_read_tokens=read or 0,
            duration_ms=duration,
            first_chunk_ms=first or max(1, duration // 3),
            error_type=error,
            cost_usd=None if cost is None else float(cost),
        )
        for (
            span, trace, talk, assistant, at, operation, provider, llm, inputs, outputs, read, duration, first, error, cost,
        ) in rows.select(names).iter_rows()
    ]  # fmt: skip


def _json_lines(documents: Iterator[dict[str, Any]]) -> bytes:
    encoder = msgspec.json.Encoder()
    return b"".join(encoder.encode(one) + b"\n" for one in documents)


# usage ----------------------------------------------------------------------------------------


def litellm_log(rows: pl.DataFrame) -> bytes:
    """LiteLLM's standard logging payloads."""
    return litellm_standard_logging_jsonl.write(_operations(rows))


def litellm_spend(rows: pl.DataFrame) -> bytes:
    """LiteLLM's spend table as its API gives it."""
    return litellm_spend_logs_json.write(_operations(rows))


def litellm_dump(rows: pl.DataFrame) -> bytes:
    """LiteLLM's spend table as a dump."""
    return litellm_spend_logs_csv.write(_operations(rows))


def langfuse_traces(rows: pl.DataFrame) -> bytes:
    """Langfuse's traces, each with its observations."""
    return langfuse_json.write(_operations(rows))


def langfuse_observations(rows: pl.DataFrame) -> bytes:
    """Langfuse's observations, one a line."""
    return _json_lines(langfuse_json.observation(call, call.trace_id) for call in _operations(rows))


def langfuse_observations_v2(rows: pl.DataFrame) -> bytes:
    """Langfuse's enriched observations (`observations_v2/` of the blob export)."""
    return _json_lines(_enriched(call) for call in _operations(rows))


def _enriched(call: Operation) -> dict[str, Any]:
    whole = langfuse_json.observation(call, call.trace_id)
    return {
        "id": whole["id"],
        "trace_id": whole["traceId"],
        "project_id": _PROJECT,
        "type": whole["type"],
        "parent_observation_id": None,
        "start_time": whole["startTime"],
        "end_time": whole["endTime"],
        "level": whole["level"],
        "status_message": whole["statusMessage"],
        "provided_model_name": whole["model"],
        "usage_details": {name: count for name, count in whole["usageDetails"].items() if count is not None},
        "metadata": whole["metadata"],
        "time_to_first_token": whole["timeToFirstToken"],
        "session_id": call.conversation_id,
    }


def langfuse_table(rows: pl.DataFrame) -> bytes:
    """Langfuse's observations as CSV."""
    return langfuse_csv.write(_operations(rows))


def otlp_lines(rows: pl.DataFrame) -> bytes:
    """OTLP/JSON."""
    return otlp_json.write(_operations(rows))


def otlp_protobuf_bytes(rows: pl.DataFrame) -> bytes:
    """OTLP in protobuf."""
    return otlp_protobuf.write(_operations(rows))


def responses(rows: pl.DataFrame) -> bytes:
    """Recorded answers of providers."""
    return provider_responses_jsonl.write(_operations(rows))


def azure_requests(rows: pl.DataFrame) -> bytes:
    """Azure's bare request log: when, and how many tokens."""
    return azure_llm_csv.write(_operations(rows))


# judgements -----------------------------------------------------------------------------------


def langfuse_scores(rows: pl.DataFrame) -> bytes:
    """Langfuse's scores, one a line."""
    return _json_lines(_scores(rows))


def langfuse_score_table(rows: pl.DataFrame) -> bytes:
    """Langfuse's scores as CSV."""
    found = list(_scores(rows))
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(found[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(found)
    return out.getvalue().encode()


_SOURCES: Final = {"human": "ANNOTATION", "llm": "EVAL", "code": "API"}


def _scores(rows: pl.DataFrame) -> Iterator[dict[str, Any]]:
    for row in rows.iter_rows(named=True):
        at = f"{row['occurred_at']:%Y-%m-%d %H:%M:%S.%f}"
        yield {
            "id": row["evaluation_id"],
            "timestamp": at,
            "project_id": _PROJECT,
            "environment": "default",
            "trace_id": row["trace_id"],
            "observation_id": None,
            "session_id": None,
            "name": row["evaluation_name"],
            "value": row["score_value"],
            "source": _SOURCES[row["evaluator_kind"]],
            "comment": None,
            "data_type": "NUMERIC",
            "string_value": None,
            "created_at": at,
            "updated_at": at,
        }


# ChatGPT --------------------------------------------------------------------------------------


def chatgpt_conversations(rows: pl.DataFrame) -> bytes:
    """ChatGPT's data export; `rows` are answers as `twin/fleet/chatgpt.py` makes them."""
    talks = rows.partition_by("conversation_id", maintain_order=True)
    return b"[" + b",\n".join(msgspec.json.encode(_talk(talk.to_dicts())) for talk in talks) + b"]\n"


def _talk(answers: list[dict[str, Any]]) -> dict[str, Any]:
    talk = answers[0]["conversation_id"]
    above = f"{talk}-root"
    nodes: dict[str, Any] = {above: {"id": above, "message": None, "parent": None, "children": []}}
    for row in answers:
        ended = row["occurred_at"].timestamp()
        asked = f"{talk}-q{row['place']}"
        for key, role, said, at in (
            (asked, "user", _QUESTIONS[row["topic"]], ended - row["duration_ms"] / 1000),
            (row["message_id"], "assistant", _ANSWERS[row["topic"]], ended),
        ):
            nodes[above]["children"].append(key)
            nodes[key] = _node(key, above, role, said, at)
            above = key
    return {
        "title": "simulated",
        "create_time": answers[0]["occurred_at"].timestamp() - answers[0]["duration_ms"] / 1000,
        "update_time": answers[-1]["occurred_at"].timestamp(),
        "mapping": nodes,
        "current_node": above,
        "conversation_id": talk,
        "default_model_slug": "gpt-5",
        "gizmo_id": None,
    }


def _node(key: str, parent: str, role: str, said: str, at: float) -> dict[str, Any]:
    message = {
        "id": key,
        "author": {"role": role, "name": None, "metadata": {}},
        "create_time": at,
        "content": {"content_type": "text", "parts": [said]},
        "status": "finished_successfully",
        "metadata": {"model_slug": "gpt-5"} if role == "assistant" else {},
        "recipient": "all",
    }
    return {"id": key, "message": message, "parent": parent, "children": []}


def chatgpt_feedback(rows: pl.DataFrame) -> bytes:
    """ChatGPT's thumbs."""
    thumbs = [
        {
            "message_id": row["message_id"],
            "conversation_id": row["conversation_id"],
            "user_id": row["user_id"],
            "rating": row["rating"],
            "content": "{}",
            "create_time": row["occurred_at"].isoformat(),
            "workspace_id": None,
        }
        for row in rows.iter_rows(named=True)
    ]
    return msgspec.json.encode(thumbs)


# money ----------------------------------------------------------------------------------------


def openai_usage(rows: pl.DataFrame) -> bytes:
    """Pages of OpenAI's usage API."""
    kinds = {"chat": "completions", "embeddings": "embeddings"}
    return openai_usage_json.write(
        [
            (
                row["charge_period_start"],
                {
                    "object": f"organization.usage.{kinds[row['operation_name']]}.result",
                    "input_tokens": row["input_tokens"],
                    "output_tokens": row["output_tokens"],
                    "input_cached_tokens": row["cache_read_input_tokens"],
                    "num_model_requests": row["provider_request_count"],
                    "project_id": _PROJECT,
                    "model": row["request_model"],
                },
            )
            for row in rows.iter_rows(named=True)
        ]
    )


def openai_costs(rows: pl.DataFrame) -> bytes:
    """Pages of OpenAI's costs API."""
    return openai_costs_json.write(
        [
            (
                row["charge_period_start"],
                {
                    "object": "organization.costs.result",
                    "amount": {"value": float(row["billed_cost"]), "currency": "usd"},
                    "line_item": row["line_item"],
                    "project_id": _PROJECT,
                },
            )
            for row in rows.iter_rows(named=True)
        ]
    )


_SELLERS: Final = {"azure.ai.openai": "Microsoft", "gcp.gemini": "Google Cloud"}


def _charges(rows: pl.DataFrame) -> pl.DataFrame:
    """Charges with FOCUS's columns: one a provider, language model and day."""
    written = "%Y-%m-%dT%H:%M:%SZ"
    seller = pl.col("provider_name").replace_strict(_SELLERS)
    day = pl.col("day").cast(pl.Datetime("us", "UTC"))
    cost = pl.col("cost_usd").cast(pl.String)
    tokens = (pl.col("input_tokens") + pl.col("output_tokens")).cast(pl.String)
    return rows.select(
        cost.alias("BilledCost"),
        pl.lit("twin-simulated").alias("BillingAccountId"),
        pl.lit("Simulated brokerage").alias("BillingAccountName"),
        pl.lit("USD").alias("BillingCurrency"),
        day.dt.month_end().dt.offset_by("1d").dt.strftime(written).alias("BillingPeriodEnd"),
        day.dt.month_start().dt.strftime(written).alias("BillingPeriodStart"),
        pl.lit("Usage").alias("ChargeCategory"),
        pl.format("Simulated: {}", "request_model").alias("ChargeDescription"),
        pl.lit("Usage-Based").alias("ChargeFrequency"),
        day.dt.offset_by("1d").dt.strftime(written).alias("ChargePeriodEnd"),
        day.dt.strftime(written).alias("ChargePeriodStart"),
        tokens.alias("ConsumedQuantity"),
        pl.lit("Tokens").alias("ConsumedUnit"),
        cost.alias("ContractedCost"),
        cost.alias("EffectiveCost"),
        seller.alias("InvoiceIssuerName"),
        cost.alias("ListCost"),
        pl.lit("Standard").alias("PricingCategory"),
        tokens.alias("PricingQuantity"),
        pl.lit("Tokens").alias("PricingUnit"),
        seller.alias("ProviderName"),
        seller.alias("PublisherName"),
        pl.lit("AI and Machine Learning").alias("ServiceCategory"),
        pl.lit("Language models").alias("ServiceName"),
        pl.col("request_model").alias("SkuId"),
        pl.lit('{"simulated": "true"}').alias("Tags"),
    )


def focus_table(rows: pl.DataFrame) -> bytes:
    """FOCUS charges as CSV."""
    return _charges(rows).write_csv().encode()


def focus_parquet_bytes(rows: pl.DataFrame) -> bytes:
    """FOCUS charges as Parquet."""
    found = _charges(rows)
    costs = [name for name in found.columns if name.endswith("Cost")]
    out = io.BytesIO()
    found.with_columns(pl.col(name).cast(pl.Decimal(38, 9)) for name in costs).write_parquet(out)
    return out.getvalue()

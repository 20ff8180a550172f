"""The estimator's card: what it is for, what it learned from, how good it is, where not to trust it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SAMPLE = (
    "> **Sample.** Trained on prompts that Aurora made up, because no real labelled data was present. "
    "It shows the path; its figures say nothing about real language models.\n"
)
_USE = (
    "Expected quality (0 to 1) of each language model's answer to a prompt, before it is asked. A policy weighs "
    "it against cost. It reads words only: it knows neither conversation nor documents, and a prompt unlike its "
    "training questions gets little more than each model's average.\n"
)
_HELD_OUT = (
    "`quality_equal_cost` is the mean quality at no more than the expected cost of the best single model, which "
    "was chosen in training. Held-out questions are set apart by the hash of their words, so none is trained on.\n"
)


def render_card(manifest: Mapping[str, Any]) -> str:
    """Markdown from a bundle's manifest."""
    metrics: Mapping[str, float] = manifest["metrics"]
    parts = [
        "# route_llm: which language model answers well enough at the lowest cost\n",
        _SAMPLE if manifest["is_sample"] else "",
        _facts(manifest),
        "## Use\n",
        _USE,
        "## Held-out figures\n",
        _table(("metric", "value"), [(name, f"{value:.4f}") for name, value in sorted(metrics.items())]),
        _HELD_OUT,
        "## Calibration\n",
        _table(
            ("predicted", "observed", "count"),
            [(f"{b['predicted']:.3f}", f"{b['observed']:.3f}", str(b["count"])) for b in manifest["calibration_curve"]],
        ),
        "## By group\n",
        _table(
            ("group", "prompts", "quality", "best single"),
            [
                (name, f"{row['prompt_count']:.0f}", f"{row['quality']:.3f}", f"{row['quality_best_single']:.3f}")
                for name, row in sorted(manifest["per_group"].items())
            ],
        ),
        "## Language models\n",
        _table(
            ("candidate", "input USD/Mtok", "output USD/Mtok"),
            [
                (llm, f"{price['input_usd_per_mtok']:g}", f"{price['output_usd_per_mtok']:g}")
                for llm, price in zip(manifest["llms"], manifest["prices"], strict=True)
            ],
        ),
    ]
    return "\n".join(part for part in parts if part)


def _facts(manifest: Mapping[str, Any]) -> str:
    run = manifest["mlflow"]
    return (
        f"- estimator: {manifest['estimator']}, created {manifest['created_at']}\n"
        f"- training data: `{manifest['training_data_hash'][:16]}`\n"
        f"- MLflow: run `{run.get('run_id', '-')}`, version {run.get('version', '-')}, alias {run.get('alias', '-')}\n"
    )


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"

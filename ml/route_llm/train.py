"""Train the LLM router, let the gate judge it, and publish what passes.

One call, `train_and_publish`, does it all and says what happened: nothing when the data has not changed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from aurora.errors import DataError
from aurora.settings import Settings
from aurora.store.paths import TenantPaths
from ml import tracking
from ml.route_llm import estimator as estimators
from ml.route_llm import publish, samples, sources
from ml.route_llm.card import render_card
from ml.route_llm.evaluate import Evaluation, evaluate
from ml.route_llm.features import LabelledPrompts, split
from ml.route_llm.held_out import held_out_arrays
from ml.route_llm.pipeline import as_pipeline
from ml.route_llm.predict import KIND, load_champion, predict, predict_tokens
from ml.route_llm.teacher import Encoder

RECIPE = "route_llm/tfidf_ridge_v2/3"
"""Changes whenever training changes, so that an old bundle does not pass for a fresh one."""
MAX_CALIBRATION_ERROR = 0.05
MIN_HELD_OUT = 50
REQUIREMENTS = ("scikit-learn", "numpy", "scipy")

Outcome = Literal["fresh", "promoted", "challenger", "kept"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainReport:
    """What a training run did. `bundle_hash` is the bundle made or found; `reasons` why the gate held it back."""

    outcome: Outcome
    bundle_hash: str | None
    training_data_hash: str
    is_sample: bool
    reasons: tuple[str, ...] = ()
    metrics: Mapping[str, float]
    run_id: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class _Trained:
    """A fitted estimator with the rows that judge it."""

    fit: estimators.Fit
    held_out: tuple[LabelledPrompts, ...]
    best: tuple[int, ...]
    evaluation: Evaluation


def tracking_of(paths: TenantPaths) -> tracking.Tracking:
    """The tenant's own MLflow store: what one company's questions taught is not another's to read."""
    return tracking.Tracking.below(paths.data_dir / "mlflow" / paths.tenant)


def train_and_publish(
    paths: TenantPaths, settings: Settings, *, clock: Callable[[], dt.datetime], force: bool = False
) -> TrainReport:
    """Train on the real data below `settings.shared_data_dir`, or on samples where there is none, and publish.

    Returns at once when champion or challenger already stands for this data (`force` trains all the same).
    A bundle that the gate holds back is published as challenger. Samples never replace a champion of real data.
    """
    files = sources.find_sources(settings.shared_data_dir)
    recipe = RECIPE if files else f"{RECIPE}/sample/{settings.seed}"
    data_hash = sources.hash_sources(files, recipe=recipe)
    standing = publish.standing(paths.serving)
    early = _without_training(standing, data_hash, is_sample=not files, force=force)
    if early is not None:
        return early
    blocks = sources.load_real(settings.shared_data_dir) if files else [samples.make_samples(seed=settings.seed)]
    trained = train(blocks)
    reasons = gate(trained.evaluation, _champion_metrics(paths, trained, standing))
    return _publish(paths, trained, reasons, data_hash=data_hash, created_at=clock())


def _without_training(
    standing: Mapping[str, dict[str, Any]], data_hash: str, *, is_sample: bool, force: bool
) -> TrainReport | None:
    champion = standing.get("champion")
    if is_sample and champion is not None and not champion["is_sample"]:
        return _report_on(champion, "kept", ("samples never replace a champion that learned from real data",))
    for manifest in standing.values():
        if manifest["training_data_hash"] == data_hash and not force:
            return _report_on(manifest, "fresh", ())
    return None


def _report_on(manifest: Mapping[str, Any], outcome: Outcome, reasons: tuple[str, ...]) -> TrainReport:
    return TrainReport(
        outcome=outcome,
        bundle_hash=manifest["bundle_hash"],
        training_data_hash=manifest["training_data_hash"],
        is_sample=manifest["is_sample"],
        reasons=reasons,
        metrics=manifest["metrics"],
        run_id=manifest["mlflow"].get("run_id"),
        version=manifest["mlflow"].get("version"),
    )


def train(blocks: Sequence[LabelledPrompts]) -> _Trained:
    """Fit on the training rows of the blocks and evaluate on their held-out rows."""
    pairs = [split(block) for block in blocks]
    for kept, held in pairs:
        if len(held.prompts) < MIN_HELD_OUT or len(kept.prompts) < MIN_HELD_OUT:
            raise DataError(
                f"{kept.source} has too few prompts to train and judge on: {len(kept.prompts)} + {len(held.prompts)}.",
                field=kept.source,
                rule=f"at least {MIN_HELD_OUT} for each",
                next_step="Bring more labelled prompts.",
            )
    is_sample = any(block.is_sample for block in blocks)
    fitted = estimators.fit([kept for kept, _ in pairs], encode=None if is_sample else Encoder())
    held_out = tuple(held for _, held in pairs)
    best = tuple(int(kept.quality.mean(axis=0).argmax()) for kept, _ in pairs)
    found = fitted.estimator
    predicted = [found.predict(block.prompts)[:, found.columns(block.llms)] for block in held_out]
    tokens = [fitted.output_tokens(block.prompts, block.llms) for block in held_out]
    return _Trained(fitted, held_out, best, evaluate(held_out, predicted, best, output_tokens=tokens))


def gate(challenger: Evaluation, champion: Mapping[str, float] | None) -> tuple[str, ...]:
    """Reasons why the challenger may not be champion; none when it may.

    `champion` holds the champion's figures on the same held-out rows, None where there is nobody to beat.
    """
    ours = challenger.metrics
    reasons = []
    if ours["ece"] > MAX_CALIBRATION_ERROR:
        reasons.append(f"calibration error {ours['ece']:.3f} is over {MAX_CALIBRATION_ERROR}")
    if ours["gain_equal_cost"] <= 0:
        reasons.append(f"no better than the best single llm at equal cost ({ours['gain_equal_cost']:+.4f})")
    if champion is not None and ours["quality_equal_cost"] < champion["quality_equal_cost"]:
        reasons.append(
            f"quality {ours['quality_equal_cost']:.4f} is below the champion's {champion['quality_equal_cost']:.4f}"
        )
    return tuple(reasons)


def _champion_metrics(
    paths: TenantPaths, trained: _Trained, standing: Mapping[str, dict[str, Any]]
) -> Mapping[str, float] | None:
    """The champion's figures on the challenger's held-out rows; None when the two cannot be compared."""
    champion = load_champion(paths.serving)
    is_sample = any(block.is_sample for block in trained.held_out)
    if champion is None or (standing["champion"]["is_sample"] and not is_sample):
        return None
    known = set(champion.manifest.llms)
    if not all(known.issuperset(block.llms) for block in trained.held_out):
        return None
    predicted = [predict(champion, block.prompts, block.llms) for block in trained.held_out]
    tokens = [predict_tokens(champion, block.prompts, block.llms) for block in trained.held_out]
    return evaluate(trained.held_out, predicted, trained.best, output_tokens=tokens).metrics


def _publish(
    paths: TenantPaths, trained: _Trained, reasons: tuple[str, ...], *, data_hash: str, created_at: dt.datetime
) -> TrainReport:
    store, is_champion = tracking_of(paths), not reasons
    alias: tracking.Alias = "challenger" if reasons else "champion"
    is_sample = any(block.is_sample for block in trained.held_out)
    registered = tracking.record_run(store, _run_record(paths, trained, reasons, data_hash=data_hash))
    manifest = publish.manifest_of(
        trained.fit.estimator,
        trained.evaluation,
        created_at=created_at,
        training_data_hash=data_hash,
        is_sample=is_sample,
        mlflow={"run_id": registered.run_id, "version": registered.version, "alias": alias},
    )
    folder = publish.publish(
        paths.serving,
        manifest,
        trained.fit.estimator,
        is_champion=is_champion,
        views=trained.fit.views,
        held_out=held_out_arrays(trained.fit, trained.held_out),
    )
    tracking.log_bundle(store, registered.run_id, folder, {"card.md": render_card(manifest)})
    tracking.set_alias(store, KIND, alias, registered.version)
    return TrainReport(
        outcome="promoted" if is_champion else "challenger",
        bundle_hash=folder.name,
        training_data_hash=data_hash,
        is_sample=is_sample,
        reasons=reasons,
        metrics=trained.evaluation.metrics,
        run_id=registered.run_id,
        version=registered.version,
    )


def _run_record(
    paths: TenantPaths, trained: _Trained, reasons: tuple[str, ...], *, data_hash: str
) -> tracking.RunRecord:
    fitted, evaluation = trained.fit, trained.evaluation
    curve = [(source, cost, quality) for source, points in evaluation.cost_curve.items() for cost, quality in points]
    params = {
        "recipe": RECIPE,
        "training_data_hash": data_hash,
        "term_count": str(len(fitted.estimator.vocabulary)),
        "llm_count": str(len(fitted.estimator.llms)),
    }
    for block in trained.held_out:
        alphas = fitted.alphas[block.source]
        params[f"{block.source}.alpha_mean"] = str(alphas.mean)
        params[f"{block.source}.alpha_contrast"] = str(alphas.contrast)
        params[f"{block.source}.train_count"] = str(len(fitted.out_of_fold[block.source]))
        params[f"{block.source}.dropped_count"] = str(block.dropped_count)
    return tracking.RunRecord(
        experiment=KIND,
        registered_name=KIND,
        params=params,
        metrics=evaluation.metrics,
        tags={
            "tenant": paths.tenant,
            "is_sample": str(any(block.is_sample for block in trained.held_out)).lower(),
            "gate": "; ".join(reasons) or "passed",
        },
        tables={
            "calibration.json": {
                name: [point[name] for point in evaluation.calibration_curve]  # type: ignore[literal-required]
                for name in ("predicted", "observed", "count")
            },
            "cost_curve.json": {
                "source": [row[0] for row in curve],
                "cost_usd": [row[1] for row in curve],
                "quality": [row[2] for row in curve],
            },
        },
        estimator=as_pipeline(fitted.estimator),
        example=trained.held_out[0].prompts[:2],
        requirements=REQUIREMENTS,
    )

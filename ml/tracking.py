"""The one door to MLflow: runs, metrics, registered versions and aliases. Nothing else imports it.

MLflow costs about 3 s to import and 3 to 12 s to create its database, so it is imported inside functions
and `prepare_tracking` exists for set-up. Its telemetry is switched off before it loads.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Alias = Literal["champion", "challenger"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """Where runs are kept: a database URI and the folder of artifacts."""

    uri: str
    artifacts: Path

    @classmethod
    def below(cls, folder: Path) -> Tracking:
        """SQLite and files below `folder`."""
        return cls(uri=f"sqlite:///{(folder / 'mlflow.sqlite').as_posix()}", artifacts=folder / "artifacts")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """What one training run leaves behind. `tables` are artifacts by file name, columns of equal length."""

    experiment: str
    registered_name: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, Sequence[Any]]] = field(default_factory=dict)
    estimator: Any
    """A fitted scikit-learn estimator."""
    example: Sequence[str] | Sequence[Sequence[float]]
    """A few inputs, for the signature: texts, or rows of numbers."""
    requirements: Sequence[str]
    """Given, because MLflow takes 11 to 23 s to find them itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A version in the registry."""

    run_id: str
    version: str


def prepare_tracking(tracking: Tracking) -> None:
    """Create the database if it is not there. Slow once, so set-up calls it before anybody waits."""
    tracking.artifacts.mkdir(parents=True, exist_ok=True)
    with _mlflow(tracking) as mlflow:
        mlflow.MlflowClient().search_experiments(max_results=1)


def record_run(tracking: Tracking, record: RunRecord) -> Registered:
    """Log one run with its figures and documents, and register its estimator as a new version, without an alias."""
    tracking.artifacts.mkdir(parents=True, exist_ok=True)
    with _mlflow(tracking) as mlflow:
        _use_experiment(mlflow, tracking, record.experiment)
        with mlflow.start_run(tags=dict(record.tags)) as run:
            mlflow.log_params(dict(record.params))
            mlflow.log_metrics({name.replace("/", "."): value for name, value in record.metrics.items()})
            for name, table in record.tables.items():
                mlflow.log_table({key: list(values) for key, values in table.items()}, name)
            info = mlflow.sklearn.log_model(
                record.estimator,
                name="estimator",
                signature=_signature(mlflow, record),
                pip_requirements=list(record.requirements),
                serialization_format="cloudpickle",
            )
        version = _register(mlflow, record.registered_name, info.model_uri, run.info.run_id)
        return Registered(run_id=run.info.run_id, version=version)


def record_evidence(
    tracking: Tracking,
    *,
    experiment: str,
    registered_name: str,
    params: Mapping[str, str],
    metrics: Mapping[str, float],
    tags: Mapping[str, str],
    documents: Mapping[str, Any],
) -> Registered:
    """Log a run whose product is a policy bundle and not an estimator, and register it as a new version.

    The bundle's files follow with `log_bundle`, once its manifest names the version.
    """
    tracking.artifacts.mkdir(parents=True, exist_ok=True)
    with _mlflow(tracking) as mlflow:
        _use_experiment(mlflow, tracking, experiment)
        with mlflow.start_run(tags=dict(tags)) as run:
            mlflow.log_params(dict(params))
            mlflow.log_metrics(dict(metrics))
            for name, document in documents.items():
                mlflow.log_dict(dict(document), name)
            source = f"{run.info.artifact_uri}/bundle"
        version = _register(mlflow, registered_name, source, run.info.run_id)
        return Registered(run_id=run.info.run_id, version=version)


def set_alias(tracking: Tracking, name: str, alias: Alias, version: str) -> bool:
    """Let `alias` name this version of `name`; it leaves the version it named before. False for a version not known.

    Aliases follow what serving does and do not decide it: a version that this store never had stops nothing.
    """
    with _mlflow(tracking) as mlflow:
        try:
            mlflow.MlflowClient().set_registered_model_alias(name, alias, version)
        except mlflow.exceptions.MlflowException as error:
            _log_unknown(alias, error)
            return False
    return True


def drop_alias(tracking: Tracking, name: str, alias: Alias) -> bool:
    """No version of `name` carries `alias` any more. False where the name is not known."""
    with _mlflow(tracking) as mlflow:
        try:
            mlflow.MlflowClient().delete_registered_model_alias(name, alias)
        except mlflow.exceptions.MlflowException as error:
            _log_unknown(alias, error)
            return False
    return True


def _log_unknown(alias: Alias, error: Exception) -> None:
    logging.getLogger("aurora.ml").warning("MLflow does not follow the alias %s: %s", alias, error)


def version_of(tracking: Tracking, name: str, alias: Alias) -> Registered | None:
    """The version that `alias` names; None where there is none."""
    with _mlflow(tracking) as mlflow:
        try:
            found = mlflow.MlflowClient().get_model_version_by_alias(name, alias)
        except mlflow.exceptions.MlflowException:
            return None
        return Registered(run_id=str(found.run_id), version=str(found.version))


def log_bundle(tracking: Tracking, run_id: str, folder: Path, documents: Mapping[str, str]) -> None:
    """Keep the published bundle's files, and documents made from its manifest, with the run that made it."""
    with _mlflow(tracking) as mlflow:
        client = mlflow.MlflowClient()
        client.log_artifacts(run_id, str(folder), artifact_path="bundle")
        for name, text in documents.items():
            client.log_text(run_id, text, name)


def _use_experiment(mlflow: Any, tracking: Tracking, name: str) -> None:
    if mlflow.get_experiment_by_name(name) is None:
        mlflow.create_experiment(name, artifact_location=(tracking.artifacts / name).resolve().as_uri())
    mlflow.set_experiment(name)


def _register(mlflow: Any, name: str, uri: str, run_id: str) -> str:
    client = mlflow.MlflowClient()
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    return str(client.create_model_version(name, uri, run_id=run_id).version)


def _signature(mlflow: Any, record: RunRecord) -> Any:
    import numpy as np

    is_text = isinstance(record.example[0], str)
    inputs = np.array(list(record.example), dtype=str if is_text else np.float64)
    return mlflow.models.infer_signature(inputs, record.estimator.predict(inputs))


@contextmanager
def _mlflow(tracking: Tracking) -> Iterator[Any]:
    """MLflow, pointed at `tracking`, quiet and without telemetry; pointed back afterwards."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        # Deprecations inside MLflow's own dependencies are not ours to fix.
        warnings.simplefilter("ignore")
        import mlflow
        import mlflow.sklearn

        # Each log_model warns that pickles can run code: ours are written and read by the tenant alone, and
        # serving reads numpy arrays.
        logging.getLogger("mlflow").setLevel(logging.ERROR)
        before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
        mlflow.set_tracking_uri(tracking.uri)
        mlflow.set_registry_uri(tracking.uri)
        try:
            yield mlflow
        finally:
            mlflow.set_tracking_uri(before[0])
            mlflow.set_registry_uri(before[1])

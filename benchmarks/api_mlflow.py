"""The choice as MLflow serves it: this file is what `mlflow.pyfunc.save_model` keeps and its server loads."""

from typing import Any

import mlflow

from benchmarks.api_choice import choose, chooser


class Choice(mlflow.pyfunc.PythonModel):  # type: ignore[misc, name-defined]
    """One assistant a row."""

    def load_context(self, context: Any) -> None:  # noqa: ARG002 - MLflow's signature
        """Load what decides."""
        self._engine = chooser()

    def predict(self, context: Any, model_input: Any, params: Any = None) -> list[str | None]:  # noqa: ARG002
        """The assistants for the rows, which are requests."""
        return [choose(self._engine, row) for row in model_input.to_dict("records")]


mlflow.models.set_model(Choice())

"""The choice as BentoML serves it. Run by an interpreter that has BentoML; Aurora's packages come after its own."""

import importlib
import os
import sys
from typing import Any

bentoml: Any = importlib.import_module("bentoml")

sys.path += os.environ["BENTOML_MORE_PATH"].split(os.pathsep)

from benchmarks.api_choice import choose, chooser  # noqa: E402 - found behind the line above


@bentoml.service(workers=1)
class Choice:
    """One assistant a request."""

    def __init__(self) -> None:
        self._engine = chooser()

    @bentoml.api  # type: ignore[untyped-decorator]
    def choose(self, request: dict[str, Any]) -> str | None:
        """The assistant for one request."""
        return choose(self._engine, request)

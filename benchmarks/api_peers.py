"""MLflow's model server and BentoML, started as their makers start them, each making the same choice.

Neither checks a key, records or seals anything here: the figures compare serving with serving and more.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.api_runs import ROOT, Measured, serving

BENTOML_PYTHON = "BENTOML_PYTHON"
"""Names an interpreter of this Python's version that has BentoML, which Aurora does not install."""
_SAVE = (
    "import mlflow, sys; mlflow.pyfunc.save_model(sys.argv[1], python_model=sys.argv[2], pip_requirements=['mlflow'])"
)


def peers(folder: Path, bodies: Sequence[str], *, connections: int, seconds: float) -> dict[str, Measured]:
    """What each peer that is installed did in one run; the others are absent."""
    done: dict[str, Measured] = {}
    if find_spec("mlflow") is not None:
        done["mlflow"] = _mlflow(folder, bodies, connections=connections, seconds=seconds)
    interpreter = os.environ.get(BENTOML_PYTHON) or (sys.executable if find_spec("bentoml") else None)
    if interpreter is not None:
        done["bentoml"] = _bentoml(interpreter, folder, bodies, connections=connections, seconds=seconds)
    return done


def _mlflow(folder: Path, bodies: Sequence[str], *, connections: int, seconds: float) -> Measured:
    """Its scoring server as `mlflow models serve --env-manager local` runs it, one worker."""
    kept = folder / "mlflow_choice"
    more = {
        "__pyfunc_model_path__": str(kept),
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
        "AURORA_DATA_DIR": str(folder),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-c", _SAVE, str(kept), str(ROOT / "benchmarks" / "api_mlflow.py")]
    subprocess.run(command, cwd=folder, env={**os.environ, **more}, check=True, stdout=sys.stderr)
    load = _load({"dataframe_records": [json.loads(body)]} for body in bodies)
    serve = [sys.executable, "-m", "uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--workers", "1"]
    with serving([*serve, "mlflow.pyfunc.scoring_server.app:app"], folder, more=more) as server:
        server.closed(load, connections=connections, seconds=min(1.0, seconds), path="/invocations")
        return server.closed(load, connections=connections, seconds=seconds, path="/invocations")


def _bentoml(interpreter: str, folder: Path, bodies: Sequence[str], *, connections: int, seconds: float) -> Measured:
    """`bentoml serve` with one worker."""
    more = {
        "BENTOML_MORE_PATH": sysconfig.get_paths()["purelib"],
        "BENTOML_HOME": str(folder / "bentoml"),
        "BENTOML_DO_NOT_TRACK": "true",
    }
    load = _load({"request": json.loads(body)} for body in bodies)
    serve = [interpreter, "-m", "bentoml", "serve", "benchmarks.api_bentoml:Choice", "--working-dir", str(ROOT)]
    with serving([*serve, "--host", "127.0.0.1", "--port", "{port}"], folder, more=more) as server:
        server.closed(load, connections=connections, seconds=min(1.0, seconds), path="/choose")
        return server.closed(load, connections=connections, seconds=seconds, path="/choose")


def _load(bodies: Iterable[dict[str, Any]]) -> bytes:
    return "\n".join(["none", *(json.dumps(body) for body in bodies)]).encode()

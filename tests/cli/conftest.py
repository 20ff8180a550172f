"""Running the command line in this process, as the `aurora` script does."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from apps.bootstrap import prepare_tenant
from apps.cli import main
from aurora.settings import Settings


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with an empty tenant `demo`. Tests add to it; none counts on it being empty."""
    folder = tmp_path_factory.mktemp("cli")
    prepare_tenant(Settings(data_dir=folder), progress=lambda _: None)
    return folder


@pytest.fixture
def aurora(made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `aurora ARGUMENTS`."""
    monkeypatch.setenv("AURORA_DATA_DIR", str(made))
    monkeypatch.setenv("AURORA_SHARED_DATA_DIR", str(made / "no-real-data"))

    def run(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["aurora", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        code = ended.value.code
        return Ran(code if isinstance(code, int) else int(code is not None), said.out, said.err)

    return run

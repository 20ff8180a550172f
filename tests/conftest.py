"""What holds for every test: dbt's parse of the project is kept between builds of throw-away tenants."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("AURORA_PARSE_DIR", str(Path(tempfile.gettempdir()) / "aurora-tests-parse"))

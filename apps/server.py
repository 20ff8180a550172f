"""The one server process: pages, decision API and docs on one port. `aurora up` starts it."""

from __future__ import annotations

import os
from typing import Any, cast

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from apps.api.app import create_app
from apps.api.serving import run
from apps.streamlit.serve import pages_app
from aurora.settings import load_settings


def main() -> None:
    """Serve until asked to stop; requests in flight are answered first."""
    settings = load_settings(os.environ)
    pages: Any = ProxyHeadersMiddleware(cast("Any", pages_app()))  # uvicorn types ASGI in its own way
    run(create_app(settings, pages=pages), settings)


if __name__ == "__main__":
    main()

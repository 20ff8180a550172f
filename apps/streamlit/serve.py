"""The pages as an ASGI app, to be mounted beside the API in one process on one port.

Streamlit's own settings stand in `.streamlit/config.toml` beside this file and are found from any
working directory. One Streamlit app a process: its runtime is a singleton.
"""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st
from streamlit import config

from apps.streamlit.ui.access import is_loopback
from aurora.settings import load_settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp

SCRIPT = Path(__file__).parent / "app.py"
_OWN_NAMES = ("127.0.0.1", "localhost", "::1")
_NOISY = ("uvicorn.access", "streamlit.web.server.starlette", "streamlit.runtime.caching")


def pages_app(*, is_warmed: bool = True) -> ASGIApp:
    """The pages: HTTP and WebSocket, from the root path. The runtime starts with the first request.

    With `is_warmed` the libraries that the first page needs are imported beside, so that it is quick.
    """
    silence()
    if is_warmed:
        threading.Thread(target=_warm, name="pages-warm-up", daemon=True).start()
    app = st.App(SCRIPT)
    _guard_socket()
    return app


def _guard_socket() -> None:
    # After the app is made: it is the app that finds the settings beside the script.
    # A page of another site that points its own name at this machine must not reach the pages' socket. On an
    # address that others reach, the pages refuse by themselves (`ui/access.py`) and can say why.
    host = load_settings(os.environ).host
    config.set_option("server.allowedHosts", list(_OWN_NAMES) if is_loopback(host) else [])


def silence() -> None:
    """No line a request: a page is dozens of them."""
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _warm() -> None:
    import altair as alt
    import polars as pl

    from aurora.store import lake

    logging.getLogger(__name__).debug("Pages are warm: %s", (alt.__name__, pl.__name__, lake.__name__))

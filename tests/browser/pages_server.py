"""The pages alone in a process, on a socket that the parent has bound: `python -m tests.browser.pages_server FD`."""

from __future__ import annotations

import sys

import uvicorn

from apps.streamlit.serve import pages_app

if __name__ == "__main__":
    uvicorn.run(pages_app(), fd=int(sys.argv[1]), log_level="warning", access_log=False)

"""`python -m apps.api`: the API alone, without pages, settings from the environment."""

import os

import uvicorn

from apps.api.app import create_app
from apps.api.serving import server_config
from aurora.settings import load_settings

if __name__ == "__main__":
    settings = load_settings(os.environ)
    uvicorn.Server(server_config(create_app(settings), settings)).run()

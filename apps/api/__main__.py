"""`python -m apps.api`: the API alone, without pages, settings from the environment."""

import os

from apps.api.app import create_app
from apps.api.serving import run
from aurora.settings import load_settings

if __name__ == "__main__":
    settings = load_settings(os.environ)
    run(create_app(settings), settings)

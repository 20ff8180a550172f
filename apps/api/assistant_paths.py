"""The plans' paths `/api/{assistant}/...`: any assistant's id, but never the names that Aurora's own routes begin with."""

from __future__ import annotations

from typing import Final

from starlette.convertors import Convertor, register_url_convertor

OWN: Final = ("v1", "v2", "aurora")


class AssistantName(Convertor[str]):
    """A path parameter that is an assistant's id."""

    regex = rf"(?!(?:{'|'.join(OWN)})/)[a-z][a-z0-9_.\-]{{0,63}}"

    def convert(self, value: str) -> str:
        """As it is."""
        return value

    def to_string(self, value: str) -> str:
        """As it is."""
        return value


register_url_convertor("assistant", AssistantName())

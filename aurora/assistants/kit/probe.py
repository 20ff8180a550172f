"""One HTTP exchange with the assistant under test: what was sent, what came, how long it took."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from aurora.errors import NotReadyError, UsageError

MAX_BYTES: Final = 64 * 2**20


class UnreachableError(NotReadyError):
    """The assistant gave no answer at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed_ms: float

    @property
    def content_type(self) -> str:
        """The media type alone, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The beginning of the body, for a report."""
        return self.body[:300].decode("utf-8", "replace")

    @property
    def words(self) -> str:
        """Status and beginning of the body, for a report."""
        return f"{self.status} {self.content_type or 'without a content type'}: {self.text or '(no body)'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Asks one assistant. `base_url` is what stands before `/api/...`."""

    base_url: str
    assistant_id: str
    token: str | None = None
    timeout_s: float = 10.0

    def api(self, path: str) -> str:
        """A path of the protocol."""
        return f"/api/{self.assistant_id}/{path}"

    def get(self, path: str, **headers: str) -> Answer:
        """GET `path`, with headers whose names have underscores for hyphens. Errors: `UnreachableError`."""
        return self.ask("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def execute(self, command: Mapping[str, Any] | bytes) -> Answer:
        """POST a command. Errors: `UnreachableError`."""
        body = command if isinstance(command, bytes) else msgspec.json.encode(command)
        return self.ask("POST", self.api("execute"), body=body)

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        token: str | None = "",
    ) -> Answer:
        """One exchange; `token` is the probe's own unless another, or None, is given. Errors: `UnreachableError`."""
        shown = self.token if token == "" else token
        given = {"Accept": "application/json, application/x-ndjson", "Connection": "close", **(headers or {})}
        if body is not None:
            given["Content-Type"] = "application/json"
        if shown is not None:
            given["Authorization"] = f"Bearer {shown}"
        connection = self._connection()
        begun = time.perf_counter()
        try:
            connection.request(method, self._root + path, body, given)
            response = connection.getresponse()
            content = response.read(MAX_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(
                f"{self.base_url} gave no whole answer to {method} {path[:200]}: {str(error) or type(error).__name__}.",
                field="url",
                rule="reachable",
                next_step="Start the assistant, and check host and port.",
            ) from error
        finally:
            connection.close()
        return Answer(
            status=response.status,
            headers={name.lower(): value for name, value in response.getheaders()},
            body=content,
            elapsed_ms=(time.perf_counter() - begun) * 1000,
        )

    @property
    def _root(self) -> str:
        return urlsplit(self.base_url).path.rstrip("/")

    def _connection(self) -> http.client.HTTPConnection:
        split = urlsplit(self.base_url)
        kind = http.client.HTTPSConnection if split.scheme == "https" else http.client.HTTPConnection
        return kind(split.hostname or "", split.port, timeout=self.timeout_s)


def new_probe(url: str, *, assistant_id: str | None, token: str | None, timeout_s: float) -> Probe:
    """A probe of `url`, which may end in `/api/<assistant>`. Errors: `UsageError` where it is not told which one."""
    try:
        split = urlsplit(url)
        is_url = split.scheme in ("http", "https") and bool(split.hostname) and split.port != 0
    except ValueError:
        is_url = False
    if not is_url:
        raise UsageError(
            f"{url[:200]!r} is no address.", field="url", rule="url", next_step="Write it as http://127.0.0.1:8200."
        )
    base, mark, named = url.rstrip("/").rpartition("/api/")
    if mark and "/" not in named:
        return Probe(base_url=base, assistant_id=assistant_id or named, token=token, timeout_s=timeout_s)
    if assistant_id is None:
        raise UsageError(
            "Which assistant is meant is not said.",
            field="--assistant",
            rule="not_null",
            next_step=f"Add --assistant NAME, or write the address as {url.rstrip('/')}/api/NAME.",
        )
    return Probe(base_url=url.rstrip("/"), assistant_id=assistant_id, token=token, timeout_s=timeout_s)

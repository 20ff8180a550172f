"""Aurora's settings: each has a default, comes from `AURORA_<NAME>`, and is validated once, here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from aurora.errors import UsageError

PREFIX = "AURORA_"
PROJECT_DIR = Path(__file__).resolve().parent.parent


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting. Documented in docs/reference/settings.md, which a test holds to this list."""

    data_dir: Path = PROJECT_DIR / "data"
    """Where lakes, state, runs and trackers live. Everything Aurora writes is below it."""
    packs_dir: Path = PROJECT_DIR / "packs"
    """Where industry packs are read from."""
    pack: str = "real_estate"
    """The pack a new tenant is made from."""
    tenant: str = "demo"
    """The tenant that the CLI, the pages and the first start use."""
    region: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9\-]{1,31}$")] = "ae-dubai"
    """Region of a new tenant: its files lie under it."""
    shared_data_dir: Path = PROJECT_DIR.parent / "shared" / "data"
    """Real data for the first start; where it is absent, seeded samples are generated."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 8000
    """Port of pages, API and docs."""
    dagster_port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 3000
    """Port of Dagster's web UI."""
    seed: int = 7
    """Seed of generated samples and of exploration."""
    max_upload_mb: Annotated[int, msgspec.Meta(ge=1)] = 64
    """Largest request body, and largest single line of a text file, in MiB."""
    max_ingest_mb: Annotated[int, msgspec.Meta(ge=1)] = 1024
    """Largest body of rows that is pushed or pulled, in MiB, also as gzip inflates it: it is never in memory."""
    ingest_queue: Annotated[int, msgspec.Meta(ge=1)] = 64
    """Bodies of one tenant that may be on their way into the lake; the next is told to come again (429)."""
    ingest_idle_s: Annotated[int, msgspec.Meta(ge=1)] = 30
    """Seconds without a byte after which a body is given up."""

    pull_allowed: str = ""
    """Where pulls may go besides public addresses: hosts, `host:port`, addresses, networks, parted by commas."""

    assistants_allowed: str = ""
    """Where assistants may be connected over HTTP besides public addresses; written as AURORA_PULL_ALLOWED."""
    alerts_allowed: str = ""
    """Where alerts may be delivered besides public addresses; written as AURORA_PULL_ALLOWED."""
    parse_dir: str = ""
    """Folder that dbt's parse of its project is kept in for other tenants' first build; `parse` below the data folder
    when empty."""
    status_poll_s: Annotated[float, msgspec.Meta(ge=0.05, le=60)] = 1.0
    """Seconds between two polls of an assistant; one that does not answer for 0.8 of it counts as down."""
    public_url: str = ""
    """Where assistants reach this Aurora, for their callbacks; `http://HOST:PORT` when empty."""

    @property
    def assistants_allowed_hosts(self) -> tuple[str, ...]:
        """The entries of `assistants_allowed`."""
        return tuple(one.strip() for one in self.assistants_allowed.split(",") if one.strip())

    @property
    def alerts_allowed_hosts(self) -> tuple[str, ...]:
        """The entries of `alerts_allowed`."""
        return tuple(one.strip() for one in self.alerts_allowed.split(",") if one.strip())

    @property
    def callback_base(self) -> str:
        """The address that callbacks go to."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 - compared, not bound
        return self.public_url.rstrip("/") or f"http://{host}:{self.port}"

    @property
    def pull_allowed_hosts(self) -> tuple[str, ...]:
        """The entries of `pull_allowed`."""
        return tuple(one.strip() for one in self.pull_allowed.split(",") if one.strip())

    @property
    def landing_dir(self) -> Path:
        """Where exports are dropped: `landing/<tenant>/<source>/<file>`."""
        return self.data_dir / "landing"


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Settings from the environment; `UsageError` names a value that does not fit."""
    known = {f.name: f for f in msgspec.structs.fields(Settings)}
    given = {key.removeprefix(PREFIX).lower(): value for key, value in environ.items() if key.startswith(PREFIX)}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise UsageError(
            f"Unknown setting {PREFIX}{unknown[0].upper()}.",
            field=f"{PREFIX}{unknown[0].upper()}",
            next_step="Settings are listed in docs/reference/settings.md.",
        )
    raw: dict[str, object] = {
        name: Path(value).expanduser().resolve() if known[name].type is Path else value for name, value in given.items()
    }
    try:
        return msgspec.convert(raw, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"A setting has a value that does not fit: {error}.",
            next_step="See docs/reference/settings.md for what each takes.",
        ) from error

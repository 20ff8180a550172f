"""The formats there are: every module in `aurora/ingest/formats/`. The file is the registration.

A format module offers:
- `CONTRACTS`: the contracts its rows may belong to; `ANY` for a format that takes any contract.
- `matches(head, file_name)`: whether a file that begins with `head` is in this format.
- `read(file)`: the file's rows as `Portion`s, in order, in bounded memory.
- `sample(contract=, row_count=, seed=)`: a small file in the format, for the conformance suite and to show.
- `IS_BINARY = True` where its files are not text.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol, cast

import aurora.ingest.formats
from aurora.errors import DataError, UsageError
from aurora.ingest import contract_guess, envelope
from aurora.ingest.lines import UTF8_BOM
from aurora.ingest.portions import Portion, SourceFile
from contracts import registry

ANY: Final = tuple(name for name, declared in registry.tables().items() if declared.is_ingested)


_PARQUET: Final = b"PAR1"


class SourceFormat(Protocol):
    """What a module in `aurora/ingest/formats/` is."""

    CONTRACTS: tuple[str, ...]

    def matches(self, head: bytes, file_name: str) -> bool:
        """Whether a file that begins with `head` (64 KiB, no BOM; Parquet's end behind it) is in this format."""
        ...

    def read(self, file: SourceFile) -> Iterator[Portion]:
        """The rows of the file; what cannot be read is in the portions' `refused`."""
        ...

    def sample(self, *, contract: str, row_count: int, seed: int) -> bytes:
        """A small valid file with `row_count` rows of the contract."""
        ...


@cache
def source_formats() -> Mapping[str, SourceFormat]:
    """Every format by name, foreign ones first: a canonical file is what nothing else claims."""
    names = sorted(module.name for module in pkgutil.iter_modules(aurora.ingest.formats.__path__))
    names.sort(key=lambda name: name.startswith("canonical_"))
    found = {name: importlib.import_module(f"aurora.ingest.formats.{name}") for name in names}
    return MappingProxyType({name: cast("SourceFormat", module) for name, module in found.items()})


def source_format(name: str) -> SourceFormat:
    """The format named `name`; `UsageError` names those there are."""
    try:
        return source_formats()[name]
    except KeyError:
        raise UsageError(
            f"There is no source format named {name!r}.",
            field="source_format",
            next_step=f"Use one of {', '.join(source_formats())}, or leave it out to have it detected.",
        ) from None


def detect(path: Path) -> str:
    """Name of the format the file is in; `DataError` when none claims it."""
    head = file_head(path)
    if not head.strip():
        raise DataError(
            f"{path.name} is empty.",
            field="file",
            rule="not_empty",
            next_step="Look at the export that wrote it, and drop it again when it holds rows.",
        )
    later = [] if envelope.KEY.encode() in head.split(b"\n", 1)[0] else list(contract_guess.behind_first_lines(head))
    canonical = [name for name in source_formats() if name.startswith("canonical_")]
    foreign = [name for name in source_formats() if name not in canonical]
    # a first line that is damaged hides nothing: a foreign format may know those after it before any takes them all
    for names, heads in ((foreign, [head, *later]), (canonical, [head, *later])):
        for shown in heads:
            for name in names:
                if source_formats()[name].matches(shown, path.name):
                    return name
    raise DataError(
        f"{path.name} is in no format that is known here.",
        field="source_format",
        rule="known_format",
        next_step=f"Name the format, one of {', '.join(source_formats())}, or add aurora/ingest/formats/<format>.py.",
    )


def file_head(path: Path) -> bytes:
    """What formats tell a file by: how it begins, without a BOM; of Parquet how it ends, too, where its columns stand."""
    with path.open("rb") as stream:
        head = stream.read(contract_guess.HEAD_BYTES).removeprefix(UTF8_BOM)
        if head.startswith(_PARQUET):
            stream.seek(max(0, path.stat().st_size - contract_guess.HEAD_BYTES))
            head += stream.read()
    return head


def contract_for(path: Path, name: str, contract: str | None) -> str:
    """The contract to read the file for: as asked, if the format may hold it, else the one it looks like."""
    offered = source_format(name).CONTRACTS
    if contract is None:
        return guess_contract(path, name)
    if contract not in offered:
        raise UsageError(
            f"{name} does not hold rows of {contract!r}.",
            field="contract",
            next_step=f"It may hold {', '.join(offered)}.",
        )
    said = envelope.of_file(path) if offered is ANY else None
    if said is not None and said.contract != contract:
        raise UsageError(
            f"{path.name} is asked to hold {contract!r}, and its envelope says {said.contract!r}.",
            field="contract",
            rule="envelope",
            next_step="Leave the contract out, or correct the envelope.",
        )
    return contract


def guess_contract(path: Path, name: str) -> str:
    """The contract that the file's rows are for: the format's only one, or the one its envelope or columns say."""
    offered = source_format(name).CONTRACTS
    return contract_guess.guess_contract(path, offered) if offered is ANY else offered[0]

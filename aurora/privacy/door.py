"""Privacy at the door: every row is classified, protected and checked for its region before it rests.

Ingest makes one `Doorkeeper` a run and asks it for a `Door` a batch and contract. Rows pass `admit` (region)
before the gate and `protect` after it; refused rows pass `seal`. `books` are the findings, to be committed
with the rows. Nothing in clear leaves this room except what the contract says may rest so.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import polars as pl

from aurora.privacy.cipher import SEALED, Sealer
from aurora.privacy.columns import ColumnPlan, TablePlan, subject_kind, table_plan
from aurora.privacy.detection import MAY_HOLD, find
from aurora.privacy.lexicon import WORDS
from aurora.privacy.looking import look_through, replaced_text, screens
from aurora.privacy.residency import REGION, RESIDENCY, foreign_in_text, foreign_reason, pack_regions
from aurora.privacy.tokens import last4, token_of
from aurora.settings import Settings
from aurora.store.paths import TenantPaths
from aurora.store.vault import DataKey, Vault
from contracts import registry
from contracts.table import Table

ROW: Final = "row_number"
RAW: Final = "raw_row"
TABLE_SUBJECT: Final = "table"
"""Kind of the subject of rows that are about nobody in particular: the table itself."""
QUARANTINE_SUBJECT: Final = "quarantine"
"""Kind of the subject that refused rows rest under, one a tenant."""
_MAX_KEYS: Final = 100_000


class Origin(Protocol):
    """Where rows come from; ingest's own origin of a batch is one."""

    @property
    def batch_id(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def source_format(self) -> str: ...
    @property
    def file_name(self) -> str: ...
    @property
    def ingested_at(self) -> dt.datetime: ...


class Doorkeeper:
    """One tenant's keys and region policy, for one run. The vault is opened when a value needs it."""

    def __init__(self, paths: TenantPaths, *, allowed: Callable[[], frozenset[str]] | None = None) -> None:
        self.paths = paths
        self._allowed = allowed or pack_regions(Settings())
        self._vault: Vault | None = None
        self._keys: dict[str, DataKey] = {}

    def __enter__(self) -> Doorkeeper:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def door(self, declared: Table, origin: Origin) -> Door:
        """The door for rows of one contract and batch."""
        return Door(self, table_plan(declared), origin)

    @property
    def vault(self) -> Vault:
        """The tenant's vault."""
        if self._vault is None:
            self._vault = Vault.open(self.paths)
        return self._vault

    def token_key(self) -> bytes:
        """Key of the tenant's tokens."""
        return self.vault.token_key

    @property
    def allowed_regions(self) -> frozenset[str]:
        """Regions that the tenant's policy allows; its own is always one of them."""
        return self._allowed() | {self.paths.region}

    def keys(self, kind: str, subjects: list[str], *, now: dt.datetime) -> dict[str, DataKey]:
        """The data key of each subject of that kind, made on first sight."""
        hashes = {subject: self.vault.subject_hash(kind, subject) for subject in subjects}
        missing = [one for one in hashes.values() if one not in self._keys]
        if missing:
            if len(self._keys) + len(missing) > _MAX_KEYS:
                self._keys.clear()
                missing = list(hashes.values())
            self._keys |= self.vault.keys(missing, now=now)
        return {subject: self._keys[one] for subject, one in hashes.items()}

    def close(self) -> None:
        """Close the vault, where it was opened."""
        if self._vault is not None:
            self._vault.close()
            self._vault = None


class Door:
    """The door of one contract and batch. For one thread."""

    def __init__(self, keeper: Doorkeeper, plan: TablePlan, origin: Origin) -> None:
        self._keeper = keeper
        self._plan = plan
        self._origin = origin
        self._tally: dict[tuple[str, str, str], list[int]] = {}
        self._foreign: list[pl.DataFrame] = []
        self._taken_out: dict[str, int] = {}

    # residency --------------------------------------------------------------------------------
    def admit(self, read: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame | None]:
        """Rows that may rest here, and refusals of the others without what they hold; None when all may."""
        home = self._keeper.paths.region
        if REGION not in self._plan.declared.columns or REGION not in read.columns:
            return read, None
        named = read[REGION].cast(pl.String)
        if named.null_count():  # a row that names no region belongs to the tenant's own
            named = named.fill_null(home)
            read = read.with_columns(named)
        if (named == home).all():
            return read, None
        reasons = {region: why for region in named.unique() if (why := self._reason(region))}
        if not reasons:
            return read, None
        is_foreign = named.is_in(list(reasons))
        foreign = read.filter(is_foreign)
        return read.filter(~is_foreign), self._refused(
            foreign, _raw_texts(foreign), foreign[REGION].cast(pl.String), reasons
        )

    def _reason(self, region: str) -> str | None:
        """Why a row of that region may not rest here, or None."""
        return foreign_reason(
            region,
            home=self._keeper.paths.region,
            allowed=lambda: self._keeper.allowed_regions,
            is_bound=self._plan.is_bound,
        )

    def _refused(
        self, rows: pl.DataFrame, raw: list[str], regions: pl.Series, reasons: Mapping[str, str]
    ) -> pl.DataFrame:
        shown = {region: replaced_text(why, self._keeper.token_key) for region, why in reasons.items()}
        told = pl.DataFrame(
            {
                ROW: rows[ROW].cast(pl.Int64),
                "refused_region": [replaced_text(region[:64], self._keeper.token_key) for region in regions],
                "row_hash": [self._keeper.vault.row_hash(text) for text in raw],
                "reason": [shown[region] for region in regions],
            },
            schema={ROW: pl.Int64(), "refused_region": pl.String(), "row_hash": pl.String(), "reason": pl.String()},
        )
        self._foreign.append(told.unique(ROW, keep="first", maintain_order=True))
        return told.select(
            ROW,
            pl.lit(REGION).alias("column_name"),
            pl.lit(RESIDENCY).alias("rule"),
            "reason",
            pl.lit(None, dtype=pl.String).alias(RAW),
        )

    # protection -------------------------------------------------------------------------------
    def protect(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows as they may rest: identifiers out of columns they do not belong in, tokens, truncation, encryption."""
        self._taken_out = {}
        clear = rows.with_columns(self._looked(rows))
        changes = self._tokens(clear)
        for column in self._plan.columns:
            changed = self._protected(clear, column)
            if changed is not None:
                changes.append(changed)
        return clear.with_columns(changes) if changes else clear

    def _looked(self, rows: pl.DataFrame) -> list[pl.Series]:
        """Columns out of which something was taken."""
        marks = screens(rows, [column for column in self._plan.columns if column.field.name in rows.columns])
        changed = []
        for column in self._plan.columns:
            name = column.field.name
            if name not in marks:
                continue
            looked = look_through(rows[name], marks[name], column, self._keeper.token_key)
            for (identifier_class, action), (count, unsure) in looked.tally.items():
                self._count(name, identifier_class, action, count, unsure=unsure)
            if looked.values is not None:
                changed.append(looked.values)
                self._taken_out[name] = looked.changed_count
        return changed

    def _tokens(self, rows: pl.DataFrame) -> list[pl.Series]:
        made = []
        for name, of, identifier_class in self._plan.tokens:
            given = rows[of]
            distinct = given.drop_nulls().unique().to_list()
            tokens = {value: token_of(self._keeper.token_key(), identifier_class, value) for value in distinct}
            made.append(_mapped(given, tokens).alias(name))
            self._count(name, identifier_class, "tokenised", given.len() - given.null_count())
        return made

    def _protected(self, rows: pl.DataFrame, column: ColumnPlan) -> pl.Series | None:
        field = column.field
        if column.identifier_class is None or field.name not in rows.columns:
            return None
        given = rows[field.name]
        count = given.len() - given.null_count()
        if not count:
            return None
        match field.protection:
            case "encrypt":
                self._count(field.name, column.identifier_class, "encrypted", count)
                return self._encrypted(rows, given, is_json=field.type == "json")
            case "last4":
                self._count(field.name, column.identifier_class, "truncated", count)
                return _mapped(given, {value: "****" + last4(value) for value in given.drop_nulls().unique()})
            case "none":
                kept = count - self._taken_out.get(field.name, 0)
                self._count(field.name, column.identifier_class, "kept", kept)
                return None

    def _encrypted(self, rows: pl.DataFrame, given: pl.Series, *, is_json: bool) -> pl.Series:
        subject = self._plan.declared.subject
        about = rows[subject].cast(pl.String) if subject else pl.repeat(None, given.len(), dtype=pl.String, eager=True)
        pairs = pl.DataFrame({"subject": about, "value": given})
        distinct = pairs.unique().filter(pl.col("value").is_not_null()).sort("subject")
        texts = self._sealed(distinct["subject"].to_list(), distinct["value"].to_list(), given.name)
        if is_json:
            texts = [f'"{text}"' for text in texts]
        sealed = distinct.with_columns(pl.Series("sealed", texts, dtype=pl.String))
        joined = pairs.join(sealed, on=["subject", "value"], how="left", nulls_equal=True, maintain_order="left")
        return joined["sealed"].alias(given.name)

    def _sealed(self, subjects: list[str | None], values: list[str], column: str) -> list[str]:
        named = sorted({subject for subject in subjects if subject is not None})
        kind = subject_kind(self._plan.declared.subject or TABLE_SUBJECT)
        now = self._origin.ingested_at
        contract = self._plan.declared.name
        keys: dict[str | None, DataKey] = {}
        keys.update(self._keeper.keys(kind, named, now=now))
        if None in subjects:
            keys[None] = self._keeper.keys(TABLE_SUBJECT, [contract], now=now)[contract]
        tenant = self._keeper.paths.tenant
        sealers = {
            subject: Sealer(key, tenant=tenant, contract=contract, column=column) for subject, key in keys.items()
        }
        return [sealers[subject].seal(value) for subject, value in zip(subjects, values, strict=True)]

    # quarantine -------------------------------------------------------------------------------
    def seal(self, refused: pl.DataFrame) -> pl.DataFrame:
        """Refused rows as they may rest: raw rows encrypted, reasons without values, foreign rows without the row."""
        if refused.is_empty():
            return refused
        refused = self._without_foreign(refused)
        raw = refused[RAW]
        texts = [text for text in raw.unique().drop_nulls() if self._must_seal(text)]
        if texts:
            key = self._keeper.keys(QUARANTINE_SUBJECT, ["rows"], now=self._origin.ingested_at)["rows"]
            sealer = Sealer(key, tenant=self._keeper.paths.tenant, contract=self._plan.declared.name, column=RAW)
            raw = _mapped(raw, {text: f'"{sealer.seal(text)}"' for text in texts}, others=raw)
        return refused.with_columns(raw.alias(RAW), self._reasons(refused).alias("reason"))

    def _without_foreign(self, refused: pl.DataFrame) -> pl.DataFrame:
        """Rows that were refused for something else and name a region where they may not be kept."""
        if REGION not in self._plan.declared.columns:
            return refused
        regions = {text: region for text in refused[RAW].unique().drop_nulls() if (region := foreign_in_text(text))}
        reasons = {region: why for region in set(regions.values()) if (why := self._reason(region))}
        foreign = {text: region for text, region in regions.items() if region in reasons}
        if not foreign:
            return refused
        is_foreign = refused[RAW].is_in(list(foreign)).fill_null(value=False)
        rows = refused.filter(is_foreign).unique(ROW, keep="first", maintain_order=True)
        told = pl.Series([foreign[text] for text in rows[RAW]], dtype=pl.String)
        about = self._refused(rows, rows[RAW].to_list(), told, reasons)
        return pl.concat([refused.filter(~is_foreign), about.select(refused.columns)], how="vertical_relaxed")

    def _must_seal(self, text: str) -> bool:
        return not SEALED.fullmatch(text.strip('"')) and (self._plan.is_personal or bool(find(text)))

    def _reasons(self, refused: pl.DataFrame) -> pl.Series:
        hidden = {
            column.field.name
            for column in self._plan.columns
            if column.field.privacy == "sensitive" or column.field.protection != "none"
        }
        reasons = refused["reason"]
        risky = refused["column_name"].is_in(list(hidden)).fill_null(value=False) if hidden else None
        may_hold = reasons.str.contains(MAY_HOLD) | reasons.str.contains(WORDS)
        mask = may_hold if risky is None else may_hold | risky
        places = mask.arg_true()
        if places.is_empty():
            return reasons
        told = refused.select("reason", "column_name")[places].rows()
        after = {  # thousands of rows of one fault have one reason, and reading it costs a millisecond
            (reason, name): _without_value(reason, name)
            if name in hidden
            else replaced_text(reason, self._keeper.token_key)
            for reason, name in set(told)
        }
        texts = [after[one] for one in told]
        return reasons.scatter(places, pl.Series(texts, dtype=pl.String))

    # books ------------------------------------------------------------------------------------
    def _count(self, column: str, identifier_class: str, action: str, count: int, *, unsure: int = 0) -> None:
        if count:
            counts = self._tally.setdefault((column, identifier_class, action), [0, 0])
            counts[0] += count
            counts[1] += unsure

    def books(self) -> dict[str, pl.DataFrame]:
        """Rows for Aurora's own tables, by table: findings and residency refusals of the batch."""
        origin = {
            "batch_id": self._origin.batch_id,
            "source": self._origin.source,
            "contract": self._plan.declared.name,
            "ingested_at": self._origin.ingested_at,
        }
        found = [
            {
                **origin,
                "column_name": column,
                "identifier_class": identifier_class,
                "privacy_action": action,
                "finding_count": count,
                "unsure_count": unsure,
            }
            for (column, identifier_class, action), (count, unsure) in sorted(self._tally.items())
        ]
        books = {}
        if found:
            books["privacy_finding"] = _as_declared(pl.DataFrame(found), "privacy_finding")
        if self._foreign:
            about = {**origin, "source_format": self._origin.source_format, "file_name": self._origin.file_name}
            rows = pl.concat(self._foreign).with_columns(pl.lit(value).alias(name) for name, value in about.items())
            books["residency_refusal"] = _as_declared(rows, "residency_refusal")
        return books


def _as_declared(rows: pl.DataFrame, table: str) -> pl.DataFrame:
    types = registry.polars_schema(registry.table(table))
    return rows.select(pl.col(name).cast(kind) for name, kind in types.items())


def _mapped(given: pl.Series, values: Mapping[str, str], *, others: pl.Series | None = None) -> pl.Series:
    """Each value by its counterpart; values without one stay as in `others`, or become null."""
    if not values:
        return given if others is None else others
    if others is not None:
        return given.replace(list(values), list(values.values()))
    return given.replace_strict(list(values), list(values.values()), default=None, return_dtype=pl.String)


def _raw_texts(rows: pl.DataFrame) -> list[str]:
    """Each row as one text, for its hash: the record as it came where there is one, else its columns."""
    if RAW in rows.columns and not rows[RAW].null_count():
        return rows[RAW].to_list()
    given = rows.drop(ROW, RAW, strict=False)
    return given.select(pl.struct(pl.all().cast(pl.String)).struct.json_encode()).to_series().to_list()


def _without_value(reason: str, column: str) -> str:
    """`column is <value>. It must ...` without the value, which the column's class says must not be shown."""
    if " is missing. " in reason[: len(column) + 14]:
        return reason
    rest = re.search(r"It must(?:(?!It must).)*$", reason, re.DOTALL)
    end = rest[0] if rest else "Correct it at the source and send the row again."
    return f"{column} holds a value that does not fit; it is not shown here. {end}"

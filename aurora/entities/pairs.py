"""Which records to hold against each other, and what speaks for and against each pair.

Records are columns of a frame, pairs are two row numbers. Sets of work are polars'; only names that are not
spelled alike are compared one by one, each two names once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from aurora.entities.names import SOUNDS_SAME, likest, sound_of
from aurora.entities.policy import NAME, GoldenPolicy

LEFT: Final = "left"
RIGHT: Final = "right"
SHARE: Final = "match_share"
BITS: Final = "bits_"
_SOUND_BITS: Final = -2.0
"""For names that sound the same and are spelled differently."""
_LIKE_BITS: Final = -4.0
"""For names that are alike and no more."""
_LIKE: Final = 0.78
"""Below it two names are different ones."""


def with_keys(records: pl.DataFrame, policy: GoldenPolicy) -> pl.DataFrame:
    """Records with codes made plain, and the sound of their names: whole, first word, last word."""
    plain = [_plain_code(column).alias(column) for column in policy.codes]
    spoken = [_spoken(records[column]) for column in policy.names]
    words = spoken[0]
    for further in spoken[1:]:
        words = words.zip_with(words.list.len() > 0, further)
    keys = pl.DataFrame({"words": words}).select(
        pl.col("words").list.sort().list.join(" ").alias(NAME),
        pl.col("words").list.first().alias("name_first"),
        pl.col("words").list.last().alias("name_last"),
    )
    keys = keys.with_columns(pl.when(pl.col(NAME) != "").then(pl.col(NAME)).alias(NAME))
    return records.with_columns(plain).with_columns(keys)


def _plain_code(column: str) -> pl.Expr:
    bare = pl.col(column).cast(pl.String).str.to_uppercase().str.replace_all(r"[^0-9A-Z]", "")
    bare = bare.str.replace(r"^(UNIT|APT|APARTMENT|VILLA|OFFICE|NO)(\d)", "${2}")
    return pl.when(bare != "").then(bare)


def _spoken(names: pl.Series) -> pl.Series:
    known = names.unique()
    sounds = {name: sound_of(name) for name in known if name is not None}
    return pl.Series([sounds.get(name, []) for name in names], dtype=pl.List(pl.String()))


def candidate_pairs(records: pl.DataFrame, policy: GoldenPolicy) -> pl.DataFrame:
    """Every two records that agree on all columns of a block, each pair once, the older record left."""
    numbered = records.with_row_index("row")
    found = [_block_pairs(numbered, list(block.equal), block.most) for block in policy.blocks]
    return pl.concat(found).unique().sort(LEFT, RIGHT)


def _block_pairs(numbered: pl.DataFrame, block: list[str], most: int) -> pl.DataFrame:
    alike = numbered.select("row", *block).drop_nulls()
    groups = alike.group_by(block).agg("row").filter(pl.col("row").list.len().is_between(2, most))
    rows = groups.select(pl.col("row").alias(LEFT), pl.col("row").alias(RIGHT))
    return rows.explode(LEFT).explode(RIGHT).filter(pl.col(LEFT) < pl.col(RIGHT))


def weighed(records: pl.DataFrame, pairs: pl.DataFrame, policy: GoldenPolicy) -> pl.DataFrame:
    """The pairs with evidence in bits a column, `match_share`, `match_verdict` (`different` included) and `match_rule`."""
    sides = {side: records[pairs[side].to_list()] for side in (LEFT, RIGHT)}
    frame = pairs.with_columns(_name_shares(sides, policy.names).alias("name_share"))
    frame = frame.with_columns(_same(sides, column).alias(f"same_{column}") for column in _compared(policy))
    frame = frame.with_columns(pl.Series("same_source", sides[LEFT]["source"] == sides[RIGHT]["source"]))
    frame = frame.with_columns(_bits(records, sides, policy))
    total = pl.sum_horizontal(pl.col(f"^{BITS}.*$"))
    frame = frame.with_columns((1.0 / (1.0 + (2.0 ** (-total.clip(-60, 60))))).alias(SHARE))
    return frame.with_columns(_verdict(policy))


def _compared(policy: GoldenPolicy) -> list[str]:
    used = [*policy.must_equal, *policy.identifiers, *policy.with_name, *policy.unless_differs, *policy.evidence]
    return [column for column in dict.fromkeys(used) if column != NAME]


def _same(sides: dict[str, pl.DataFrame], column: str) -> pl.Series:
    """Whether both hold the same value; null where one holds none."""
    return sides[LEFT][column] == sides[RIGHT][column]


def _name_shares(sides: dict[str, pl.DataFrame], names: Sequence[str]) -> pl.Series:
    spelled = [[side[name] for name in names] for side in sides.values()]
    lefts, rights = (list(zip(*columns, strict=True)) for columns in spelled)
    known: dict[tuple[tuple[str | None, ...], tuple[str | None, ...]], float | None] = {}
    shares: list[float | None] = []
    for pair in zip(lefts, rights, strict=True):
        if pair not in known:
            known[pair] = likest(*pair)
        shares.append(known[pair])
    return pl.Series(shares, dtype=pl.Float64)


def _bits(records: pl.DataFrame, sides: dict[str, pl.DataFrame], policy: GoldenPolicy) -> list[pl.Expr | pl.Series]:
    """A column of bits for each piece of evidence. Two records out of N are one with odds 1 to N beforehand."""
    height = max(records.height, 2)
    bits: list[pl.Expr | pl.Series] = [
        pl.lit(height).log(2).neg().alias(f"{BITS}beforehand"),
        pl.when("same_source").then(policy.same_source).otherwise(0.0).alias(f"{BITS}same_source"),
    ]
    for column, weight in policy.evidence.items():
        rarity = _rarity(records, sides[LEFT], column, height).clip(upper_bound=weight.agree)
        if column == NAME:
            share = pl.col("name_share")
            alike = pl.when(share > SOUNDS_SAME).then(0.0).when(share == SOUNDS_SAME).then(_SOUND_BITS)
            said = pl.when(share >= _LIKE).then((rarity + alike.otherwise(_LIKE_BITS)).clip(0)).otherwise(weight.differ)
            bits.append(pl.when(share.is_null()).then(0.0).otherwise(said).alias(f"{BITS}{column}"))
        else:
            same = pl.col(f"same_{column}")
            said = pl.when(same.is_null()).then(0.0).when(same).then(rarity).otherwise(weight.differ)
            bits.append(said.alias(f"{BITS}{column}"))
    return bits


def _rarity(records: pl.DataFrame, left: pl.DataFrame, column: str, height: int) -> pl.Series:
    """log2 of N over how many records hold the value that the left one holds; null where it holds none."""
    counts = records.group_by(column).agg(pl.len().alias("held"))
    held = left.select(column).join(counts, on=column, how="left", maintain_order="left")["held"]
    return (height / held.clip(lower_bound=1)).log(2).fill_null(0.0)


def _verdict(policy: GoldenPolicy) -> list[pl.Expr]:
    apart = [(f"different_{column}", ~pl.col(f"same_{column}")) for column in policy.must_equal]
    apart += [
        (f"different_{_bare(column)}", ~pl.col(f"same_{column}"))
        for column, identifier in policy.identifiers.items()
        if identifier.is_exclusive
    ]
    sure = [(f"same_{_bare(column)}", pl.col(f"same_{column}")) for column in policy.identifiers]
    no_doubt = pl.all_horizontal(
        pl.lit(value=True), *[pl.col(f"same_{column}").fill_null(value=True) for column in policy.unless_differs]
    )
    sure += [
        (f"{_bare(column)}_and_name", pl.col(f"same_{column}") & (pl.col("name_share") >= share) & no_doubt)
        for column, share in policy.with_name.items()
    ]
    is_apart = pl.any_horizontal(pl.lit(value=False), *[rule.fill_null(value=False) for _, rule in apart])
    is_sure = pl.any_horizontal(pl.lit(value=False), *[rule.fill_null(value=False) for _, rule in sure])
    alike = is_sure | (pl.col(SHARE) >= policy.review_at)
    verdict = (
        pl.when(is_apart & alike)
        .then(pl.lit("refused"))
        .when(is_apart)
        .then(pl.lit("different"))
        .when(is_sure | (pl.col(SHARE) >= policy.merge_at))
        .then(pl.lit("same"))
        .when(pl.col(SHARE) >= policy.review_at)
        .then(pl.lit("review"))
        .otherwise(pl.lit("different"))
    )
    rule = pl.coalesce(*[pl.when(when.fill_null(value=False)).then(pl.lit(name)) for name, when in [*apart, *sure]])
    return [
        verdict.alias("match_verdict"),
        rule.fill_null("score").alias("match_rule"),
        pl.when(is_sure & ~is_apart).then(1.0).otherwise(pl.col(SHARE)).alias(SHARE),
    ]


def _bare(column: str) -> str:
    return column.removesuffix("_token")

"""Types of the values that declarations are made of."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from msgspec import Meta

Slug = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_.\-]{0,63}$")]
Line = Annotated[str, Meta(min_length=1, max_length=400)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Usd = Annotated[Decimal, Meta(description="US dollars, not negative")]

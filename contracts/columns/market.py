"""Figures of the market and of competitors, which nobody here measures: they are inputs. One line a column."""

from contracts.field import SHARE, SLUG, Field, at_least

COLUMNS: tuple[Field, ...] = (
    Field(name="month_date", type="date", unit="day", meaning="First day of the month that the figure is about.", privacy="public"),
    Field(name="market_area", type="text", meaning="Area as the statistics call it; ALL is the whole market.", privacy="public"),
    Field(name="market_segment", type="text", meaning="Kind of property as the statistics call it: Unit, Land, Building; ALL is every kind.", privacy="public"),
    Field(name="transaction_count", type="int", unit="sales", meaning="Sales registered in the month.", privacy="public", checks=at_least(0)),
    Field(name="median_price_aed", type="decimal", unit="AED", meaning="Median price of the month's sales.", privacy="public", checks=at_least(0)),
    Field(name="median_aed_per_sqft", type="float", unit="AED / sq ft", meaning="Median price by floor area of the month's sales.", privacy="public", checks=at_least(0)),
    Field(name="off_plan_share", type="float", unit="share", meaning="Share of the month's sales that were off plan.", privacy="public", checks=SHARE),
    Field(name="competitor_name", type="text", meaning="A company that competes with the tenant, as the tenant calls it.", privacy="public"),
    Field(name="measure_name", type="text", meaning="What was measured: buyer_commission_share, first_response_hours ...", privacy="public", checks=SLUG),
    Field(name="measure_value", type="float", meaning="The figure, in measure_unit.", privacy="public"),
    Field(name="measure_unit", type="text", meaning="Unit of measure_value.", privacy="public"),
    Field(name="as_of_date", type="date", unit="day", meaning="Day on which the figure held.", privacy="public"),
    Field(name="source_note", type="text", meaning="Where the figure comes from, so that a reader can look it up.", privacy="public"),
)  # fmt: skip

select source, expected_interval_h, expected_low_count, expected_high_count, late_tolerance_days
from {{ source("raw", "source_expectation") }}

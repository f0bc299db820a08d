"""What ``face-audit bench`` does: measure here and now, and hold two measurements against each other."""

from audit.bench.measure import drawn_templates, one_percent_threshold, raw_product, run
from audit.bench.verdict import compare

__all__ = ["compare", "drawn_templates", "one_percent_threshold", "raw_product", "run"]

"""What ``face-audit bench`` does: measure here and now, and hold two measurements against each other."""

from audit.bench.measure import Interrupted, drawn_templates, one_percent_threshold, run
from audit.bench.raw import raw_product
from audit.bench.verdict import compare

__all__ = ["Interrupted", "compare", "drawn_templates", "one_percent_threshold", "raw_product", "run"]

"""What ``face-audit bench`` does: measure here and now, and hold two measurements against each other."""

from audit.timing.measure import Interrupted, drawn_templates, one_percent_threshold, run
from audit.timing.raw_product import raw_product
from audit.timing.verdict import compare

__all__ = ["Interrupted", "compare", "drawn_templates", "one_percent_threshold", "raw_product", "run"]

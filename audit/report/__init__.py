"""Results in, pages out: what council staff, auditors, departments and vendors read."""

from audit.report.over_runs import compare_page, index_page
from audit.report.page import render

__all__ = ["compare_page", "index_page", "render"]

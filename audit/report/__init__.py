"""Results in, pages out: what council staff, auditors, departments and vendors read."""

from audit.report.page import compare_page, index_page, render

__all__ = ["compare_page", "index_page", "render"]

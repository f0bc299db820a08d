"""The results directory: written once, read by everybody, verified to the last number.

result -> files (write) -> reading; content, arrays, sums below them; comparison beside them
"""

from audit.results.comparison import comparison_people, write_comparison
from audit.results.content import as_json, npz, plain, unpack
from audit.results.files import check_target, digest, held, put, to_files, write, write_rendered
from audit.results.place import claim, settled
from audit.results.reading import CORE, headline, read, runs, usable
from audit.results.result import AuditResult
from audit.results.sums import (
    CLOCK,
    CLOCK_SUM,
    SUMS,
    checksum_errors,
    digest_of,
    files_of,
    folder_digest,
    is_page,
    lines_of,
    sums_of,
)

__all__ = [
    "CLOCK",
    "CLOCK_SUM",
    "CORE",
    "SUMS",
    "AuditResult",
    "as_json",
    "check_target",
    "checksum_errors",
    "claim",
    "comparison_people",
    "digest",
    "digest_of",
    "files_of",
    "folder_digest",
    "headline",
    "held",
    "is_page",
    "lines_of",
    "npz",
    "plain",
    "put",
    "read",
    "runs",
    "settled",
    "sums_of",
    "to_files",
    "unpack",
    "usable",
    "write",
    "write_comparison",
    "write_rendered",
]

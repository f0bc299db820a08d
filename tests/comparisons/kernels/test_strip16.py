"""Machine code that Numba keeps on disk is never older than the text it was made from."""

from __future__ import annotations

import hashlib
import re


def test_who_changes_the_emitter_changes_the_file_that_the_cache_watches(root) -> None:
    kernels = root / "audit" / "comparisons" / "kernels"
    stated = re.search(r'^EMITTER = "(\w+)"', (kernels / "strip16.py").read_text(encoding="utf-8"), re.M)
    assert stated
    assert stated[1] == hashlib.sha256((kernels / "emitter.py").read_bytes()).hexdigest()[:16], (
        "write the new sum into strip16.py"
    )

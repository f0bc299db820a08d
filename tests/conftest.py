"""Shared fixtures: where the real data lies, if it lies anywhere."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))  # what several rooms' tests share lies there


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Photographs, labels and models kept beside the repository; not part of the product."""
    folder = Path(os.environ.get("FACE_AUDIT_SHARED", ROOT.parent / "shared"))
    if not (folder / "data" / "lfw" / "images").is_dir():
        pytest.skip(f"no shared data: {folder} has no data/lfw/images (set FACE_AUDIT_SHARED)")
    return folder


@pytest.fixture(scope="module", autouse=True)
def nothing_works_on() -> Iterator[None]:
    """A thread that a test left running slows every later one (a server that read its closed connection for ever cost
    CI its hour).

    Sleeping threads are left alone: the time that this process uses while nothing is asked of it is what counts.
    """
    yield
    if threading.active_count() == 1:
        return
    for _ in range(40):  # what ends by itself within two seconds is no fault
        before = time.process_time()
        time.sleep(0.05)
        if time.process_time() - before < 0.01:
            return
    names = ", ".join(sorted(one.name for one in threading.enumerate() if one is not threading.current_thread()))
    pytest.fail(f"a thread that this module's tests started is still at work: {names}")

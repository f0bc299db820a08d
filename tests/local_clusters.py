"""Dask on this machine for tests: a port of its own each, so that files may run side by side."""

from __future__ import annotations

import distributed


def local_cluster(
    n_workers: int, *, threads: int = 1, processes: bool = True, **more: object
) -> distributed.LocalCluster:
    """Make workers behind a scheduler on 127.0.0.1; to be used in a ``with``."""
    return distributed.LocalCluster(
        n_workers=n_workers,
        threads_per_worker=threads,
        processes=processes,
        dashboard_address="127.0.0.1:0",
        host="127.0.0.1",
        **more,
    )

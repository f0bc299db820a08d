"""Somebody else's machines: a dask scheduler's workers, watched, so that what is lost there is an error here and never
a wait for ever.

In: an address, and calls to be made. Out: their answers as they come, each with what it was asked for. Its one idea:
only few calls are under way at a time, and whenever no answer comes for a second somebody looks whether scheduler and
workers are still there.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, TypeVar

from audit.base.errors import BackendError

__all__ = ["CONNECT_SECONDS", "LOST_SECONDS", "Call", "Cluster"]

LOG = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
LOST_SECONDS = 30.0
"""So long a scheduler may be silent, or be without any worker, before the run ends."""
_LOOK_SECONDS = 1.0
_FETCH_SECONDS = 5.0

_Tag = TypeVar("_Tag")
Call = tuple[_Tag, Callable[..., Any], tuple[Any, ...]]
"""What the answer comes back with, what to call there, and its arguments."""


class Cluster:
    """A connection to a scheduler; ``with`` ends it.

    Parameters
    ----------
    address : str
        Of the scheduler, e.g. ``tcp://10.0.0.5:8786``.

    Raises
    ------
    BackendError
        dask is not installed, the scheduler cannot be reached or has no workers.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._client = _connect(address)
        cores = self._client.ncores()
        self.workers = len(cores)
        self.threads_each = max(cores.values(), default=1)
        self._since: float | None = None
        if not self.workers:
            self._client.close()
            raise BackendError(
                "compute.cluster",
                got=f"a scheduler at {address} without workers",
                allowed="at least one worker",
                todo="Start workers",
            )

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(Exception):  # a scheduler that is gone cannot be taken leave of
            self._client.close(timeout=2)

    def everywhere(self, value: Any) -> Any:
        """Send a value once to every worker; what it gives is an argument of calls."""
        return self._client.scatter(value, broadcast=True, hash=True)

    def answers(
        self, calls: Iterator[Call[_Tag]], *, ahead: int, silence_seconds: float
    ) -> Iterator[tuple[_Tag, Any]]:
        """Make calls on the workers.

        Parameters
        ----------
        calls : iterator of Call
            Taken as there is room for them.
        ahead : int
            Calls under way per worker.
        silence_seconds : float
            If no answer at all comes for so long, the run ends.

        Yields
        ------
        (tag, answer)
            In the order in which they end; the answer is an exception where the call raised one, or took its workers
            down again and again.

        Raises
        ------
        BackendError
            The scheduler or the last worker is gone, or there was silence for too long.
        """
        flying: dict[str, tuple[_Tag, Any]] = {}
        ended: SimpleQueue[str] = SimpleQueue()
        heard, self._since, more = time.monotonic(), None, True
        try:
            while True:
                while more and len(flying) < ahead * max(1, self.workers):
                    call = next(calls, None)
                    if call is None:
                        more = False
                        break
                    tag, function, arguments = call
                    future = self._client.submit(function, *arguments, pure=False, retries=0)
                    flying[future.key] = (tag, future)
                    future.add_done_callback(lambda one: ended.put(one.key))
                if not flying:
                    return
                try:
                    key = ended.get(timeout=_LOOK_SECONDS)
                except Empty:
                    self._look()
                    if time.monotonic() - heard > silence_seconds:
                        raise self._gone(f"it gave no answer for {silence_seconds:g} s") from None
                    continue
                tag, future = flying[key]
                try:
                    answer = self._answer(future)
                except TimeoutError:  # its worker died after it had answered: the scheduler has it done again
                    ended.put(key)
                    self._look()
                    continue
                del flying[key]
                heard, self._since = time.monotonic(), None
                yield tag, answer
        finally:
            if flying:
                with contextlib.suppress(Exception):
                    self._client.cancel([future for _, future in flying.values()], asynchronous=False)

    def _answer(self, future: Any) -> Any:
        if future.status in ("cancelled", "lost"):
            raise self._gone("its scheduler was lost, and with it what was under way")
        try:
            return future.result(timeout=_FETCH_SECONDS)
        except TimeoutError:
            raise
        except Exception as error:
            if future.status in ("cancelled", "lost"):
                raise self._gone("its scheduler was lost, and with it what was under way") from error
            return error

    def _look(self) -> None:
        """Count the workers; raise where none, or no scheduler, has been seen for too long."""
        now, count = time.monotonic(), 0
        if self._client.status == "running":
            with contextlib.suppress(OSError, TimeoutError, RuntimeError):  # no answer is none
                count = len(self._client.ncores(callback_timeout=_FETCH_SECONDS))
        if count:
            if count < self.workers:
                LOG.warning(
                    "a worker of the cluster was lost; %d of %d are left, and what it had is done again",
                    count,
                    self.workers,
                )
            self.workers, self._since = count, None
            return
        if self._since is None:
            self._since = now
            LOG.warning(
                "the cluster has no worker any more, or its scheduler does not answer; waiting for %g s", LOST_SECONDS
            )
        if now - self._since > LOST_SECONDS or self._client.status == "closed":
            raise self._gone("its last worker or its scheduler was lost, and none came back")

    def _gone(self, why: str) -> BackendError:
        return BackendError(
            "compute.cluster",
            got=why,
            allowed="a scheduler and at least one worker until the end",
            todo="Start them and run the same command again: it goes on where it was. Or leave compute.cluster out",
        )


def _connect(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise BackendError(
            "compute.cluster",
            got="dask.distributed is not installed",
            allowed="the extra 'cluster'",
            todo="Install it, or leave compute.cluster out",
        ) from error
    try:
        return Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise BackendError(
            "compute.cluster",
            got=f"no scheduler at {address} ({type(error).__name__})",
            allowed="the address a dask scheduler prints",
            todo="Start it",
        ) from error

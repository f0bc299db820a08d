"""One HTTP request whose answer is bounded: an address and files in; status, headers and body out, or an error.

The one idea: time limits of HTTP libraries count from byte to byte, so a service that drips one byte at a time holds
its caller for ever, and a body has no end but memory's. Here a clock runs for the whole answer, headers included, and
shuts the connection when it is over; bytes are counted.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Mapping
from typing import Any

__all__ = ["LARGEST_ANSWER", "fetched"]

LARGEST_ANSWER = 16 * 2**20
"""Bytes. Twenty faces with the widest templates fit."""


def fetched(
    url: str, files: Mapping[str, Any], headers: Mapping[str, str], fields: Mapping[str, str], seconds: float
) -> tuple[int, Any, bytes]:
    """POST a form on a connection of its own.

    Raises
    ------
    requests.RequestException
        No connection, or it broke.
    TimeoutError
        The answer was not whole within ``seconds``.
    ValueError
        The answer is larger than ``LARGEST_ANSWER``, or packed.
    """
    import requests

    end = time.monotonic() + seconds
    with requests.Session() as session:
        open_: list[socket.socket] = []
        for scheme in ("http://", "https://"):
            session.mount(scheme, _adapter(open_))
        over = threading.Event()
        clock = threading.Timer(seconds, _shut, (open_, over))
        clock.daemon = True
        clock.start()
        try:
            # No redirects: a redirected request would carry the photo, and the key's header, to another host.
            with session.post(
                url,
                files=files,
                data=dict(fields),
                headers=dict(headers),
                timeout=seconds,
                allow_redirects=False,
                stream=True,
            ) as reply:
                return reply.status_code, reply.headers, _body(reply, end)
        except requests.RequestException as error:
            if over.is_set() or isinstance(error, requests.Timeout):
                raise TimeoutError from error
            raise
        finally:
            clock.cancel()


def _body(reply: Any, end: float) -> bytes:
    if reply.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise ValueError("it is packed, though it was asked not to be")
    out = bytearray()
    for part in reply.iter_content(65536):
        out += part
        if len(out) > LARGEST_ANSWER:
            raise ValueError(f"it is larger than {LARGEST_ANSWER >> 20} MB")
        if time.monotonic() > end:
            raise TimeoutError
    return bytes(out)


def _shut(open_: list[socket.socket], over: threading.Event) -> None:
    over.set()
    for one in open_:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


def _adapter(open_: list[socket.socket]) -> Any:
    """An adapter of requests whose connections are put into ``open_`` when they are made."""
    from requests.adapters import HTTPAdapter
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

    def watched(kind: Any) -> Any:
        class Connection(kind.ConnectionCls):  # type: ignore[misc]
            def connect(self) -> None:
                super().connect()
                open_.append(self.sock)

        return type(kind.__name__, (kind,), {"ConnectionCls": Connection})

    pools = {"http": watched(HTTPConnectionPool), "https": watched(HTTPSConnectionPool)}

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **more: Any) -> None:
            super().init_poolmanager(*args, **more)
            self.poolmanager.pool_classes_by_scheme = pools

        def proxy_manager_for(self, proxy: Any, **more: Any) -> Any:
            manager = super().proxy_manager_for(proxy, **more)
            manager.pool_classes_by_scheme = pools
            return manager

    return Adapter()

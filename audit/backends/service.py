"""Requests to a metered service: paced, retried, and with a key that is shown nowhere.

In come images; out comes the JSON object that the service answered, or a status and a reason. The one idea: three
kinds of failure. What may pass (no connection, 429, 5xx) is tried again with growing pauses, honouring Retry-After;
what concerns one image (4xx) is that image's status; a refused key (401, 403) ends the run, as no other image would
fare better.

Every request has a connection of its own, which is closed behind it: on one that is kept, an answer too many would be
read as the next image's. An answer holds at most ``LARGEST_ANSWER`` bytes and is whole within ``timeout_seconds``,
however slowly it drips.
"""

from __future__ import annotations

import os
import random
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.backends.answers import read_json, shown
from audit.backends.bounded import fetched
from audit.backends.protocol import Status
from audit.base.errors import BackendError

__all__ = ["ECHO", "Service"]

ECHO = "X-Face-Audit-Request"
"""Header with a word of each request's own; a service that gives it back must give back the same."""


@dataclass
class Service:
    """How to speak to a service; the key is read from the environment for each request and kept nowhere.

    Attributes
    ----------
    product : str
        For messages.
    key_env, key_header : str
        Name of the environment variable that holds the key (None: no key), and of the header that carries it.
    requests_per_second : float
    tries : int
    first_pause_seconds, longest_pause_seconds : float
        Between tries; doubled each time, with jitter.
    timeout_seconds : float
        Per request.
    no_face_codes : tuple of int
        ``code`` in an error answer that means "no face".
    id_field : str or None
        Form field in which each request sends a word of its own, and the name under which the answer must give it
        back.
    """

    product: str
    key_env: str | None
    key_header: str
    requests_per_second: float
    tries: int
    first_pause_seconds: float
    longest_pause_seconds: float
    timeout_seconds: float
    no_face_codes: tuple[int, ...]
    id_field: str | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _next: float = field(default=0.0, init=False, repr=False)

    @property
    def patience_seconds(self) -> float:
        """Longest time that one request with all its tries may take."""
        return self.tries * (self.timeout_seconds + self.longest_pause_seconds)

    def post(self, url: str, images: dict[str, NDArray[np.uint8]]) -> dict[str, Any] | tuple[Status, str]:
        """Send images; the JSON object that came back, or status and reason.
        Retries what may pass, paces everything.
        """
        import requests

        headers = {self.key_header: os.environ[self.key_env]} if self.key_env else {}
        headers |= {"Connection": "close", "Accept-Encoding": "identity"}
        files = {name: ("image.png", _png(image), "image/png") for name, image in images.items()}
        failure = ""
        for attempt in range(self.tries):
            self._pace()
            wait = min(self.longest_pause_seconds, self.first_pause_seconds * 2**attempt) * random.uniform(0.5, 1.0)
            name = secrets.token_hex(16)
            try:
                code, said, body = fetched(
                    url,
                    files,
                    {**headers, ECHO: name},
                    {self.id_field: name} if self.id_field else {},
                    self.timeout_seconds,
                )
            except requests.RequestException as error:
                failure = f"the service cannot be reached ({type(error).__name__})"
            except TimeoutError:
                failure = f"the service gave no whole answer within {self.timeout_seconds:g} s"
            except ValueError as error:
                return Status.ERROR, f"the service's answer cannot be used: {error}"
            else:
                if code in {401, 403}:
                    got = f"the service refused the key (HTTP {code})"
                    raise BackendError(
                        f"backend 'http' ({self.product})",
                        got=got,
                        allowed="a valid key",
                        todo="Check the key and its permissions",
                    )
                if said.get(ECHO, name) != name:
                    return Status.ERROR, f"the service's answer belongs to another request (header {ECHO})"
                if code != 429 and code < 500:
                    return self._parsed(code, body, name)
                failure = f"the service answered HTTP {code}"
                wait = max(wait, min(self.longest_pause_seconds, _retry_after(said)))
            if attempt + 1 < self.tries:
                time.sleep(wait)
        return Status.ERROR, f"{failure}, {self.tries} times"

    def _parsed(self, code: int, body: bytes, name: str) -> dict[str, Any] | tuple[Status, str]:
        try:
            answer, fault = read_json(body), ""
        except ValueError as error:
            answer, fault = None, f": {error}"
        if code >= 300:
            if isinstance(answer, dict) and type(answer.get("code")) is int and answer["code"] in self.no_face_codes:
                return Status.NO_FACE, "no face found"
            return Status.ERROR, f"the service answered HTTP {code}"
        if not isinstance(answer, dict):
            return Status.ERROR, f"the service's answer is not a JSON object{fault}: {shown(body)}"
        if self.id_field and answer.get(self.id_field) != name:
            had = "another" if self.id_field in answer else "no"
            return Status.ERROR, f"the service's answer has {had} {self.id_field!r} than it was asked under"
        return answer

    def _pace(self) -> None:
        """Wait until the next request may leave: at most ``requests_per_second``, evenly spaced."""
        with self._lock:
            now = time.monotonic()
            mine = max(now, self._next)
            self._next = mine + 1 / self.requests_per_second
        time.sleep(mine - now)


def _png(image: NDArray[np.uint8]) -> bytes:
    import cv2

    return bytes(cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1])


def _retry_after(said: Mapping[str, str]) -> float:
    """Seconds that the service asks to wait; a date or nonsense counts as none."""
    try:
        return max(0.0, float(said.get("Retry-After", 0)))
    except ValueError:
        return 0.0

"""Toy matchers that misbehave on marked images, reached as ``toy_backends:make``; a real module, because workers
import it in processes of their own.

The mark is the blue value of the first pixel, and the template is made of the mean colours, so any loop can say what
it must be.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np

from audit.backends.options import fingerprint_of
from audit.backends.protocol import Extraction, ScoreRule, Status
from audit.base.errors import BackendError

CRASH, HANG, NAN, RAISE, WIDE, NONE, SHORT, EXIT, NAMES = 11, 12, 13, 14, 15, 16, 17, 18, 19


class Toy:
    name = "toy"
    version = "1"
    dimensions = 3
    rule = ScoreRule("euclidean", "dissimilarity", -500.0, 0.0, 10.0, "distance")

    def __init__(self, options: dict) -> None:
        self.options = dict(options)
        self.batch = int(options.get("batch", 1))
        if options.get("refuse"):
            raise ValueError("the licence file is missing")

    @property
    def fingerprint(self) -> str:
        return fingerprint_of(name=self.name, salt=self.options.get("salt", ""))

    def describe(self) -> dict:
        return {"product": "toy"}

    def load(self) -> None:
        time.sleep(self.options.get("load_seconds", 0))
        if self.options.get("die_at_load") and os.environ.get("OMP_NUM_THREADS") == "1":
            os.kill(os.getpid(), signal.SIGKILL)

    def extract(self, images):
        if log := self.options.get("log"):
            with Path(log).open("a") as file:
                file.write("".join(f"{len(images)}\n" for _ in images))
        time.sleep(self.options.get("sleep", 0) * len(images))
        if self.options.get("leak"):
            self.kept = [*getattr(self, "kept", []), np.ones(self.options["leak"], np.uint8)]
        if self.options.get("pids"):
            time.sleep(0.25 if self.options.get("leak") else 0)  # a worker looks at its memory five times a second
            with Path(self.options["pids"]).open("a") as file:
                file.write(f"{os.getpid()}\n" * len(images))
        if any(image[0, 0, 0] == SHORT for image in images):
            return []
        return [self.one(image) for image in images]

    def one(self, image):
        mark = int(image[0, 0, 0])
        template = image.reshape(-1, 3).mean(axis=0).astype(np.float32)
        if mark == CRASH:
            os.kill(os.getpid(), signal.SIGSEGV)
        if mark == EXIT:
            os._exit(3)
        if mark == HANG:
            time.sleep(3600)
        if mark == RAISE:
            raise RuntimeError("cannot do this one")
        if mark == NAN:
            template[1] = np.nan
        if mark == WIDE:
            template = np.zeros(4, np.float32)
        if mark == NONE:
            return Extraction(Status.NO_FACE, reason="no face found")
        if mark == NAMES:
            return Extraction(Status.ERROR, reason=self.options["says"])
        return Extraction(Status.ACQUIRED, template, faces=1, quality={"brightness": float(template.mean())})


def make(options):
    return Toy(options)


class Threads(Toy):
    def one(self, image):
        import cv2
        from threadpoolctl import threadpool_info

        pools = max([pool["num_threads"] for pool in threadpool_info()], default=1)
        return Extraction(
            Status.ACQUIRED, np.array([cv2.getNumThreads(), pools, int(os.environ["OMP_NUM_THREADS"])], np.float32)
        )


class Stepping(Toy):
    def one(self, image):
        steps = {"detect": 0.25, "describe": float("nan"), "align": -1.0, "crop": "fast", "decode": 99.0}
        return Extraction(Status.ACQUIRED, np.ones(3, np.float32), faces=1, steps=steps)


class Expired(Toy):
    def one(self, image):
        raise BackendError("toy", got="the key has expired", todo="Renew it")


def make_expired(options):
    return Expired(options)


def make_stepping(options):
    return Stepping(options)


def make_threads(options):
    return Threads(options)


class Killed(Toy):
    """Ends as the kernel ends a process that takes too much memory."""

    def one(self, image):
        if int(image[0, 0, 0]) == CRASH:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().one(image)


def make_killed(options: dict) -> Killed:
    return Killed(options)


class Degenerate(Toy):
    """The mark says which useless template it gives: 0 zeros, 1 ones, else one that is of use."""

    dimensions = 16

    def one(self, image):
        mark = int(image[0, 0, 0])
        template = np.full(16, mark, np.float32) if mark < 2 else np.arange(16, dtype=np.float32) + mark
        return Extraction(Status.ACQUIRED, template, faces=1)


def make_degenerate(options: dict) -> Degenerate:
    return Degenerate(options)


class Forgetful(Toy):
    """Ends without a return."""

    def extract(self, images):
        for image in images:
            self.one(image)


def make_forgetful(options: dict) -> Forgetful:
    return Forgetful(options)

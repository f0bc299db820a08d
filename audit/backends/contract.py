"""What a backend gave, held against what it promised, in words: one call of ``extract`` in, faults in words or answers
that keep the contract out.

The one idea: somebody who writes a backend reads what came back, what was expected and for which image, and never a
traceback from inside the audit. A fault costs the photograph it belongs to; where nothing but faults comes back, the
run ends early, as the program is broken and not the photographs.
"""

from __future__ import annotations

import math
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from audit.backends.protocol import Backend, Extraction, Status
from audit.backends.useless import useless

__all__ = ["BROKEN", "ContractError", "answers_of", "fault_of", "form_fault", "raised", "sound"]

BROKEN = ("the matcher gave ", "the matcher raised ", "the matcher's extract() ")
"""How a reason begins where the backend broke its contract or raised, in distinction to what a backend says of a
photograph."""

_MOST_WORDS = 80


class ContractError(ValueError):
    """``extract`` did not give one answer per image."""


def answers_of(found: object, images: int) -> Sequence[object]:
    """Give what ``extract`` returned as a sequence of ``images`` answers.

    Raises
    ------
    ContractError
        It is no list, or of another length: what it was, and what was expected.
    """
    expected = f"a list of {images} Extraction{'s' * (images != 1)}, one per image, in order"
    if isinstance(found, Extraction):
        raise ContractError(f"the matcher's extract() returned one Extraction in place of {expected}")
    if not isinstance(found, list | tuple):
        hint = "; does it end without `return`?" if found is None else ""
        raise ContractError(f"the matcher's extract() returned {_kind(found)} in place of {expected}{hint}")
    if len(found) != images:
        raise ContractError(
            f"the matcher's extract() returned {len(found)} answer{'s' * (len(found) != 1)} for "
            f"{images} image{'s' * (images != 1)}"
        )
    return found


def fault_of(answer: object, backend: Backend) -> str:
    """Say what is wrong with the answer for one image, its form first, then its template; "" where it keeps the
    contract.
    """
    if fault := form_fault(answer):
        return fault
    assert isinstance(answer, Extraction)
    return _template_fault(answer, backend) if answer.status == Status.ACQUIRED else ""


def form_fault(answer: object) -> str:
    """Say what is wrong with the answer for one image beside its template."""
    if not isinstance(answer, Extraction):
        return f"{_kind(answer)} in place of an Extraction (audit.backends.protocol)"
    try:
        Status(answer.status)
    except (ValueError, TypeError):
        return (
            f"status {_short(answer.status)} in place of one of "
            f"{', '.join(f'Status.{name}' for name in Status.__members__)}"
        )
    if not isinstance(answer.reason, str):
        return f"a reason that is {_kind(answer.reason)} in place of a text"
    if not isinstance(answer.faces, int | np.integer) or isinstance(answer.faces, bool) or answer.faces < 0:
        return f"faces = {_short(answer.faces)} in place of a whole number from 0"
    if not _is_number(answer.seconds) or not 0 <= answer.seconds < math.inf:
        return f"seconds = {_short(answer.seconds)} in place of a finite number from 0"
    if not isinstance(answer.quality, dict):
        return f"quality that is {_kind(answer.quality)} in place of a dict of names and numbers"
    for name, value in answer.quality.items():
        if not isinstance(name, str) or not _is_number(value):
            return f"quality {_short(name)} = {_short(value)} in place of a text and a number"
    return ""


def _template_fault(answer: Extraction, backend: Backend) -> str:
    template, wide = answer.template, backend.dimensions
    expected = f"a numpy array of float32 of shape ({wide},)"
    if template is None:
        return f"Status.ACQUIRED without a template; expected {expected}, or a status that says why there is none"
    if not isinstance(template, np.ndarray):
        return f"a template that is {_kind(template)} in place of {expected}"
    if template.shape != (wide,) or template.dtype != np.float32:
        return f"a template of {template.dtype} of shape {template.shape} in place of float32 of shape ({wide},)"
    if not np.isfinite(template).all():
        return "a template with NaN or infinity in place of finite numbers"
    what = useless(template, backend.rule.measure)
    return f"a template of {what} in place of numbers that tell people apart" if what else ""


def sound(answer: object, backend: Backend) -> Extraction:
    """Give an answer that keeps the contract: as it came, tidied, or an ERROR that says what was wrong."""
    if fault := fault_of(answer, backend):
        seconds = getattr(answer, "seconds", 0.0)
        kept = float(seconds) if _is_number(seconds) and 0 <= seconds < math.inf else 0.0
        return Extraction(Status.ERROR, reason=f"the matcher gave {fault}", seconds=kept)
    assert isinstance(answer, Extraction)
    status = Status(answer.status)
    template = np.ascontiguousarray(answer.template) if status == Status.ACQUIRED else None
    return replace(answer, status=status, template=template, faces=int(answer.faces), seconds=float(answer.seconds))


def raised(error: BaseException) -> str:
    """Kind, words and place of an exception from a backend's own code: file and line, without the folder."""
    ours = Path(__file__).resolve().parents[1]
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not Path(frame.filename).resolve().is_relative_to(ours) and Path(frame.filename).suffix == ".py":
            line = f": {frame.line.strip()[:_MOST_WORDS]}" if frame.line else ""
            return (
                f"the matcher raised {type(error).__name__}: {error} ({Path(frame.filename).name}, line "
                f"{frame.lineno}{line})"
            )
    return f"the matcher raised {type(error).__name__}: {error}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _kind(value: Any) -> str:
    """What something is, without what it holds: a template is nobody's to print."""
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        return f"a numpy array of {value.dtype} of shape {value.shape}"
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _short(value: Any) -> str:
    if isinstance(value, str) or _is_number(value) or value is None or isinstance(value, bool):
        text = repr(value)
        return text if len(text) <= 40 else text[:40] + "..."
    return _kind(value)

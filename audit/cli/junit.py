"""Outcomes of checks in, JUnit XML out: what a build server shows beside its other tests.

The one idea: each limit, and each claim that was checked, is one test case; what was read stands in its output, so
that a pass says what passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from audit.base.errors import ConfigError

__all__ = ["Case", "junit", "write_junit"]


class Case(NamedTuple):
    """One test case: its name, what was read, what failed (empty: it held), and why it could not be judged ("" where
    it was).
    """

    name: str
    read: str
    failed: Sequence[str] = ()
    error: str = ""


def junit(suite: str, cases: Sequence[Case]) -> bytes:
    """XML of one test suite, the same bytes for the same cases: no clock is in it."""
    failures, errors = sum(bool(one.failed) for one in cases), sum(bool(one.error) for one in cases)
    head = {"name": f"face-audit {suite}", "tests": str(len(cases)), "failures": str(failures), "errors": str(errors)}
    root = ElementTree.Element("testsuites", head)
    inside = ElementTree.SubElement(root, "testsuite", {**head, "skipped": "0", "time": "0"})
    for one in cases:
        case = ElementTree.SubElement(
            inside, "testcase", {"classname": f"face-audit.{_clean(suite)}", "name": _clean(one.name), "time": "0"}
        )
        if one.error:
            ElementTree.SubElement(case, "error", {"message": _clean(one.error)})
        elif one.failed:
            failure = ElementTree.SubElement(case, "failure", {"message": _clean(one.failed[0])})
            failure.text = _clean("\n".join(one.failed))
        ElementTree.SubElement(case, "system-out").text = _clean(one.read)
    ElementTree.indent(root, " ")
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def write_junit(path: Path, suite: str, cases: Sequence[Case]) -> None:
    """Write the file; raises ConfigError where it cannot be."""
    try:
        path.write_bytes(junit(suite, cases))
    except OSError as error:
        got = f"{path}, which cannot be written ({error.strerror})"
        raise ConfigError("--junit", got=got, allowed="a file in a folder that exists", todo="Name another") from error


def _clean(text: str) -> str:
    """Without characters that XML 1.0 cannot hold."""
    return "".join(
        one
        for one in text
        if one in "\n\t" or (one >= " " and not 0xD800 <= ord(one) <= 0xDFFF and ord(one) not in (0xFFFE, 0xFFFF))
    )

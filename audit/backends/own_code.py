"""The bytes of a third party's code, as a part of its fingerprint: a factory and its backend in, one digest out.

The one idea: whoever writes a matcher changes its code many times a day and its version once a month. A template made
by yesterday's code must not be taken for today's, so the code itself counts: the module, what it imports from its own
folder, and the whole of a package. What it loads beside that (model files, other packages) stays its own
``fingerprint``'s to name. Backends of this package raise a revision instead, and are not looked at.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from audit.backends.options import file_sha256

__all__ = ["WithCode", "code_sha256"]

_CODE = {".py", ".pyx", ".so", ".pyd", ".dll", ".dylib"}
_NOT_ITS_OWN = {"__pycache__", "site-packages", "node_modules", ".git", ".venv", "venv"}
_HEX = frozenset("0123456789abcdef")


class WithCode:
    """A third party's backend, whose fingerprint also stands for its code; everything else is the backend's own."""

    def __init__(self, backend: Any, code: str) -> None:
        self._backend, self._code = backend, code

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    @property
    def fingerprint(self) -> Any:
        """Hex sha256 over the backend's own and its code's; what is no digest is left for ``check`` to find."""
        own = self._backend.fingerprint
        if not isinstance(own, str) or len(own) != 64 or not set(own) <= _HEX:
            return own
        return hashlib.sha256(f"{own} code {self._code}".encode()).hexdigest()


def code_sha256(*names: str) -> str:
    """Hex sha256 over the code behind these modules (imported before): contents and places below their own folder, in
    order.
    """
    found = hashlib.sha256()
    seen: set[Path] = set()
    for name in dict.fromkeys(names):
        module = sys.modules.get(name)
        file = getattr(module, "__file__", None)
        if not file or name.partition(".")[0] in ("audit", "builtins"):
            continue
        path, top = Path(file).resolve(), sys.modules.get(name.partition(".")[0])
        package = getattr(top, "__file__", None) if hasattr(top, "__path__") else None
        files = (
            _tree(Path(package).resolve().parent if package else path.parent)
            if hasattr(top, "__path__")
            else _with_imports(path, set())
        )
        for one in files:
            if one not in seen:
                seen.add(one)
                found.update(f"{one.name} {file_sha256(one)}\n".encode())
    return found.hexdigest()


def _tree(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in _CODE and not _NOT_ITS_OWN & set(path.relative_to(folder).parts) and path.is_file():
            yield path


def _with_imports(path: Path, seen: set[Path]) -> Iterator[Path]:
    """Give a single module and, in order, the modules of its own folder that it names in an import, wherever in its
    code.
    """
    if path in seen or not path.is_file():
        return
    seen.add(path)
    yield path
    if path.suffix != ".py":
        return
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {one.name.partition(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    for name in sorted(names):
        if (path.parent / name / "__init__.py").is_file():
            yield from (one for one in _tree(path.parent / name) if one not in seen)
        else:
            yield from _with_imports(path.parent / f"{name}.py", seen)

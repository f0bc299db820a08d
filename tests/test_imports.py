"""Who may import whom: the written table of the house, held against every import statement in audit/ (read with
``ast``, nothing is run).

The picture: benchmark -> embeddings | privacy line -> comparisons -> observations -> rates -> findings -> results ->
report. A room imports the room before it, ``base``, ``words`` and ``config``; what it may import beyond that stands
here with its reason.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

PUBLIC = {"__version__"}

# room -> what it may import of ours beside base: a room, or one module of it. The order is the corridor's: nothing
# imports what stands below it.
ROOMS: dict[str, set[str]] = {
    "__init__": {"runs.in_memory", "runs.from_arrays"},  # public names, when they are asked for
    # the bottom: nothing of ours
    "base": set(),
    "words": set(),
    "stats": set(),
    "config": set(),
    "backends": set(),  # what is audited cannot know what it is audited for
    # the corridor
    "benchmark": {"config"},
    "embeddings": {"config", "words", "backends.protocol", "backends.contract", "backends.registry", "backends.pairs"},
    "comparisons": {"config", "embeddings", "backends.protocol", "stats"},
    # everything that only a run can see, and its types: from here on no benchmark, no template
    "observations": {"config", "words", "stats", "backends.protocol", "benchmark", "embeddings", "comparisons"},
    # a second way in: somebody else's scores or lists become the same types
    "outputs": {
        "config",
        "words",
        "stats",
        "backends.protocol",
        "comparisons.types",
        *(
            TYPES := {
                "observations.kept",
                "observations.search_counts",
                "observations.tallies",
                "observations.numbering",
                "observations.operating_points",
                "observations.pairs",
                "observations.candidates",
            }
        ),
    },
    "rates": {"config", "words", "stats", "backends.protocol", "comparisons.types", *TYPES},
    "findings": {"config", "words", "stats", "comparisons.types", "rates", *TYPES},
    # the results directory: holds what the rooms hand over, so it knows their types and no more
    "results": {"config", "words", "comparisons.types", "findings", "observations.sound", *TYPES},
    "report": {"words", "findings", "results"},
    # those who see the whole corridor
    "runs": {
        "config",
        "words",
        "stats",
        "backends",
        "benchmark",
        "embeddings",
        "comparisons",
        "observations",
        "outputs",
        "rates",
        "findings",
        "results",
        "report",
    },
    "timing": {"stats", "backends.protocol", "backends.registry", "embeddings", "comparisons"},
    "validation": {
        "stats",
        "words",
        "backends.protocol",
        "embeddings",
        "comparisons",
        "rates",
        "observations.tallies",
    },
    "cli": {
        "config",
        "words",
        "stats",
        "backends",
        "benchmark",
        "embeddings",
        "observations",
        "rates",
        "findings",
        "results",
        "report",
        "runs",
        "timing",
        "validation",
    },
    "__main__": {"cli"},
}

# One module each, where a room meets a room it does not stand next to.
DOORS: dict[str, set[str]] = {
    "embeddings.same_templates": {"benchmark"},  # before the line: which samples share a template
    "embeddings.privacy_line": {"benchmark"},  # the line itself: names come in, numbers go out
    "embeddings.crew": {"backends"},
}

NEVER = {
    "report": {"runs", "comparisons", "embeddings", "backends", "benchmark", "cli"},
    "backends": {"benchmark", "embeddings", "rates", "config", "words"},
    "comparisons": {"benchmark"},
    "rates": {"benchmark", "embeddings", "observations.observe"},
    "findings": {"benchmark", "embeddings", "backends"},
}

HEAVY = {
    "cv2",
    "dlib",
    "face_recognition",
    "face_recognition_models",
    "onnxruntime",
    "torch",
    "matplotlib",
    "weasyprint",
    "numba",
    "faiss",
    "sklearn",
}

# Compiled code: these modules are themselves imported only by the call that runs them.
COMPILED = {
    "comparisons.kernels.emitter",
    "comparisons.kernels.loops",
    "comparisons.kernels.tail_loops",
    "comparisons.kernels.strip16",
    "comparisons.kernels.scores_compiled",
    "comparisons.kernels.strip8",
    "validation.worlds",
}


def modules() -> list[tuple[str, Path]]:
    """Dotted name below ``audit`` and path of every module."""
    out = []
    for path in sorted((ROOT / "audit").rglob("*.py")):
        parts = list(path.relative_to(ROOT / "audit").with_suffix("").parts)
        if parts[-1] == "__init__" and len(parts) > 1:
            parts.pop()
        out.append((".".join(parts), path))
    return out


MODULES = modules()
NAMES = {name for name, _ in MODULES}


def imports(path: Path, *, top_level: bool = False) -> list[str]:
    """Dotted names a module imports; ``from a import b`` is a.b, so that a module taken from its package is seen."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = []
    for node in tree.body if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides the room it comes from"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def ours(path: Path) -> set[str]:
    """Modules of ours that are imported, as dotted names below ``audit`` (an imported function gives its module)."""
    out = set()
    for name in imports(path):
        first, _, rest = name.partition(".")
        if first == "audit" and rest not in PUBLIC:
            while rest and rest not in NAMES:
                rest = rest.rpartition(".")[0]
            assert rest, f"{path.name} imports {name}, which is no module"
            out.add(rest)
    return out


def room(name: str) -> str:
    return name.partition(".")[0]


def allows(rule: set[str], name: str) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in rule)


def test_no_room_imports_one_that_stands_below_it() -> None:
    order = list(ROOMS)
    upward = [
        (name, one)
        for name, path in MODULES
        for one in ours(path)
        if one and name != "__init__" and order.index(room(one)) > order.index(room(name))
    ]
    assert upward == []


def test_every_room_stands_in_the_table() -> None:
    assert sorted({room(name) for name in NAMES} - set(ROOMS)) == []


@pytest.mark.parametrize(("name", "path"), MODULES, ids=[name for name, _ in MODULES])
def test_a_module_imports_only_what_the_table_allows(name: str, path: Path) -> None:
    rule = ROOMS[room(name)] | DOORS.get(name, set()) | {room(name), "base"}
    assert sorted(one for one in ours(path) if not allows(rule, one)) == []


def test_the_table_itself_keeps_the_rules_that_never_change() -> None:
    for name, banned in NEVER.items():
        assert not any(allows(banned, one) for one in ROOMS[name]), name
    assert [name for name, rule in ROOMS.items() if "cli" in rule] == ["__main__"]
    assert [name for name, rule in ROOMS.items() if "report" in rule] == ["runs", "cli"]
    assert not ROOMS["stats"]
    assert not ROOMS["base"]


@pytest.mark.parametrize("start", ["rates", "findings", "results", "report"])
def test_nothing_after_the_observations_reaches_photographs_templates_or_matchers_even_indirectly(start: str) -> None:
    graph = {name: ours(path) for name, path in MODULES}
    seen: set[str] = set()
    todo = [name for name in NAMES if room(name) == start]
    while todo:
        one = todo.pop()
        if one not in seen:
            seen.add(one)
            todo += graph[one]
    reached = {
        one for one in seen if room(one) in ("runs", "benchmark", "embeddings", "cli") or one.startswith("backends.")
    }
    assert reached <= {"backends.protocol"}  # what a score is: direction and unit


def test_statistics_stand_on_numpy_and_scipy_alone() -> None:
    import sys

    outside = {
        one.partition(".")[0]
        for name, path in MODULES
        if room(name) == "stats"
        for one in imports(path)
        if one.partition(".")[0] not in sys.stdlib_module_names
    }
    assert outside <= {"numpy", "scipy", "audit"}


@pytest.mark.parametrize(("name", "path"), MODULES, ids=[name for name, _ in MODULES])
def test_heavy_libraries_are_imported_where_they_are_used_and_not_at_the_top(name: str, path: Path) -> None:
    allowed = {"numba"} if name in COMPILED else set()
    assert sorted({one.partition(".")[0] for one in imports(path, top_level=True)} & HEAVY - allowed) == []


def test_compiled_code_is_not_imported_at_the_top_of_a_module_that_is_not_compiled() -> None:
    eager = [
        (name, one)
        for name, path in MODULES
        if name not in COMPILED
        for one in imports(path, top_level=True)
        if any(one.startswith(f"audit.{compiled}.") or one == f"audit.{compiled}" for compiled in COMPILED)
    ]
    assert [(name, one) for name, one in eager if room(name) != "validation"] == []


@pytest.mark.parametrize(("name", "path"), [(name, path) for name, path in MODULES if room(name) == "report"])
def test_the_report_opens_no_file(name: str, path: Path) -> None:
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    opened = [node.func.id for node in calls if isinstance(node.func, ast.Name) and node.func.id == "open"]
    opened += [
        node.func.attr
        for node in calls
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("write_text", "write_bytes", "mkdir")
    ]
    assert opened == []

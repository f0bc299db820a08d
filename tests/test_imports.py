"""Who may import whom: the written table of the house, held against every import statement in audit/ (read with ``ast``, nothing is run).

The picture: benchmark -> embeddings | privacy line -> comparisons -> observations -> rates -> findings -> report. A
room imports the room before it, ``errors``
and ``config``; what it may import beyond that stands here with its reason.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

PUBLIC = {"__version__"}

# room -> what it may import of ours: a room, or one module of it.
ROOMS: dict[str, set[str]] = {
    "__init__": set(),
    "__main__": {"cli"},
    # the bottom: nothing of ours, but that a refusal has one form
    "errors": set(),
    "base": {"errors"},  # photographs as files, journals: every room may use it, and it knows none
    "stats": set(),
    "words": set(),
    "vocabulary": {"errors"},
    "wording": {"errors", "vocabulary"},
    "config": {"errors"},
    # the corridor
    "benchmark": {"errors", "config"},
    "backends": {"errors"},  # what is audited cannot know what it is audited for
    "embeddings": {"words", "errors", "config", "backends.protocol", "backends.useless", "backends.registry", "backends.pairs"},
    "comparisons": {"errors", "config", "embeddings", "backends.protocol", "stats"},
    # everything that only a run can see: from here on no benchmark, no template
    "observations": {"words", 
        "errors", "config", "comparisons", "embeddings", "benchmark", "backends.protocol", "stats", "review.overrides", "rates.tallies",
        "rates.groups", "rates.operating_points",
    },
    "rates": {"words", "errors", "config", "comparisons.types", "observations.kept", "backends.protocol", "stats", "vocabulary", "wording"},
    "withheld": {"words"},
    "findings": {"errors", "vocabulary", "wording"},
    "claims": {"matched", "errors", "vocabulary", "wording", "findings"},
    "matched": {"errors", "vocabulary", "wording", "findings"},
    "corrected": {"errors", "vocabulary", "wording", "findings"},
    "assess": {
        "matched", "corrected", "comparisons.types", "observations.kept", "errors", "config", "rates", "findings", "claims", "stats", "withheld",
        "wording",
    },
    # what a run kept in, the whole result out: shared by run and verify to the letter
    "again": {"errors", "assess", "backends.protocol", "blackbox", "observations.facts", "observations.own_protocol", "rates", "results"},
    # what people judge of pairs, and audits made from somebody else's scores
    "blackbox": {"words", 
        "errors", "config", "vocabulary", "wording", "findings", "rates", "stats", "comparisons.types", "backends.protocol", "assess", "results",
        "claims", "observations.facts", "observations.numbering",
    },
    "compare": {"errors", "config", "observations.numbering", "observations.way_back", "rates", "results", "stats", "wording"},
    # the results directory: holds what the rooms hand over, so it knows their types and no more
    "results": {
        "words", "errors", "config", "comparisons.types", "observations.kept", "observations.sound", "rates.tallies", "findings", "vocabulary",
    },
    "verify": {"errors", "again", "findings", "observations.facts", "report", "results"},
    "report": {"words", "errors", "results", "vocabulary", "wording", "findings", "claims", "withheld"},
    # those who see the whole corridor
    # a person's look at extreme pairs: before the privacy line (samples, photographs) and after it (results)
    "review": {"errors", "benchmark", "base", "observations.review_pairs"},
    "pipeline": {
        "errors", "config", "again", "backends", "benchmark", "embeddings", "observations", "rates.operating_points", "results", "claims", "review",
        "blackbox",
    },
    "plan": {"errors", "config", "backends", "benchmark", "comparisons", "embeddings", "pipeline", "rates", "results", "stats"},
    "validation": {"errors", "comparisons", "embeddings", "backends.protocol", "rates", "stats"},
    "bench": {"errors", "comparisons", "embeddings", "backends.protocol", "backends.registry", "stats"},
    "cli": {
        "words",
        "errors", "config", "pipeline", "plan", "results", "report", "verify", "vocabulary", "observations", "claims", "validation", "bench",
        "backends", "benchmark", "embeddings", "review", "compare", "blackbox", "rates",
    },
}  # fmt: skip

# One module each, where a room meets a room it does not stand next to.
DOORS: dict[str, set[str]] = {
    "embeddings.same_templates": {"benchmark"},  # before the line: which samples share a template
    "embeddings.privacy_line": {"benchmark"},  # the line itself: names come in, numbers go out
    "embeddings.workers": {"backends"},
}

NEVER = {
    "report": {"pipeline", "comparisons", "embeddings", "backends", "benchmark", "cli"},
    "backends": {"benchmark", "embeddings", "rates", "config", "vocabulary"},
    "comparisons": {"benchmark"},
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
    "comparisons.kernels.loops",
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
    assert [name for name, rule in ROOMS.items() if "report" in rule] == ["verify", "cli"]
    assert not ROOMS["stats"]
    assert not ROOMS["errors"]


def test_nothing_reaches_the_matchers_or_the_photographs_from_the_report_even_indirectly() -> None:
    graph = {name: ours(path) for name, path in MODULES}
    seen: set[str] = set()
    todo = [name for name in NAMES if room(name) == "report"]
    while todo:
        one = todo.pop()
        if one not in seen:
            seen.add(one)
            todo += graph[one]
    reached = {one for one in seen if room(one) in ("pipeline", "benchmark", "embeddings", "cli") or one.startswith("backends.")}
    assert reached == set()


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
    opened += [node.func.attr for node in calls if isinstance(node.func, ast.Attribute) and node.func.attr in ("write_text", "write_bytes", "mkdir")]
    assert opened == []

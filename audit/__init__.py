"""face-audit: how often does a face matcher say "same person" of two different people, and does it do so more often
for some groups?

A *matcher* turns a photograph into a template and two templates into a score. A *mated* comparison is of two photos of
one person, a *non-mated* one of two different people. At a threshold, the *false match rate* (FMR) is the share of
non-mated comparisons that match: the wrong person; the *false non-match rate* (FNMR) is the share of mated ones that
do not: the missed person. A *demographic differential* is a difference in one of these rates between groups of people,
as somebody recorded them. This package measures differentials, says how sure it is, and keeps what is needed to check
every number; it never says who anybody is, and it never says that a matcher is fair.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from audit.runs.from_arrays import audit_scores, audit_searches, audit_templates
    from audit.runs.in_memory import Result, compare, read, run

__all__ = ["Result", "__version__", "audit_scores", "audit_searches", "audit_templates", "compare", "read", "run"]


def __getattr__(name: str) -> Any:
    """The public names, imported when they are first asked for: ``import audit`` itself loads nothing."""
    if name in __all__:
        from audit.runs import from_arrays, in_memory

        return getattr(from_arrays if name.startswith("audit_") else in_memory, name)
    raise AttributeError(f"module 'audit' has no attribute {name!r}. Public names: {', '.join(__all__)}")

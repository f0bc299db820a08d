"""``face-audit explain WORD``: a term of the report, or a backend and its options; words in, text and JSON out."""

from __future__ import annotations

from typing import Any, NamedTuple

from audit.base.errors import ConfigError
from audit.base.nearest import nearest

__all__ = ["Explained", "explain_backend", "explain_term"]


class Explained(NamedTuple):
    """What is printed for a person, and what for a script."""

    text: str
    data: dict[str, Any]


def explain_term(word: str) -> Explained:
    """Explain a term, or the backend of that name; raises ConfigError with the nearest words."""
    from audit.backends.registry import names
    from audit.words.terms import SOURCES, explain

    if word in names():
        return explain_backend(word)
    try:
        found = explain(word)
    except ConfigError as error:
        raise ConfigError(
            error.where,
            got=error.got,
            allowed=f"{error.allowed}; or a backend: {', '.join(sorted(names()))}",
            todo=nearest(word, names()) or error.todo,
        ) from None
    lines = [f"{found.term}{f' ({found.symbol})' if found.symbol else ''}", f"  {found.plain}"]
    lines += [f"  {found.formula}"] if found.formula else []
    lines += [f"  {SOURCES[found.source]}"] if found.source else []
    source = SOURCES.get(found.source, "")
    return Explained(
        "\n".join(lines),
        dict(term=found.term, symbol=found.symbol, formula=found.formula, plain=found.plain, source=source),
    )


def explain_backend(name: str) -> Explained:
    """List a backend's options: name, what may be written, default, meaning; raises BackendError where its code cannot
    be imported.
    """
    from audit.backends.registry import names
    from audit.runs.explained import options_of

    rows, what = options_of(name), names().get(name, "a factory that is not installed as an entry point")
    data = {"backend": name, "what": what, "options": None if rows is None else [row._asdict() for row in rows]}
    if rows is None:
        return Explained(
            f"{name}: {what}\n  Its module shows no one subclass of audit.backends.options.Options: "
            f"ask its author for its options.",
            data,
        )
    lines = [f"{name}: {what}", "", "Options under [backend.options]:" if rows else "It takes no options."]
    for row in rows:
        lines.append(f"  {row.name}  ({row.kind}; {'must be given' if row.required else f'default {row.default}'})")
        lines += [f"      {row.meaning}"] if row.meaning else []
    return Explained("\n".join(lines), data)

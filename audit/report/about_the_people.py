"""Facts in, tables about people, photos and labels out: who counts, who recorded the groups, and the ratios under
other labels.

Its one idea: what the benchmark's card says of its labels is printed as it stands, with gaps left visible.
"""

from __future__ import annotations

from collections.abc import Mapping

from audit.report.facts import Facts
from audit.report.printed import Table, listed, plain
from audit.words import wording

__all__ = ["acquired", "agreement", "labels", "people", "sensitivity"]


def acquired(facts: Facts) -> Table:
    """Why photos did not get in, per group."""
    names = {
        "samples": "Photos tried",
        "no_face": "No face found",
        "many_faces": "Several faces",
        "unreadable": "Unreadable",
        "error": "Failed otherwise",
    }
    table = facts.result.acquisition
    left_out = {
        "missing": "Left out: not on disk",
        "duplicates": "Left out: one photo twice",
        "conflicting": "Left out: under several people",
    }
    names |= {name: head for name, head in left_out.items() if name in table and table[name].fillna(0).any()}
    found = {str(row["group"]): row for row in table.dropna(subset=["samples"]).to_dict("records")}
    rows = tuple(
        (group.label, *(plain(found[group.name].get(column)) for column in names))
        for group in facts.groups
        if group.name in found
    )
    return Table(
        "Photos tried, and why some gave no template",
        ("Group", *names.values()),
        rows,
        (),
        True,
        frozenset(range(1, 1 + len(names))),
    )


def labels(facts: Facts) -> Table:
    """Who recorded each label, how, and in which words."""
    entries = (facts.about.get("benchmark") or {}).get("labels", [])
    rows = tuple(
        (
            str(entry.get("title") or entry.get("column")),
            str(entry.get("kind", "")),
            str(entry.get("source", "")),
            ", ".join(entry.get("categories") or []),
        )
        for entry in entries
    )
    return Table(
        "Label columns, how they were obtained, by whom, and their categories verbatim",
        ("Label", "Obtained", "By whom", "Categories"),
        rows,
        (),
        True,
    )


def people(facts: Facts) -> list[str]:
    """Sentences on the people and their labels: who counts, who is apart and
    why, and what the benchmark's card adds.
    """
    apart = (facts.about.get("counts") or {}).get("unlabelled")
    out = [finding.statement for finding in facts.result.findings if finding.kind == "people"]
    if isinstance(apart, Mapping) and apart:
        reasons = "; ".join(
            f"{str(reason).replace('_', ' ')}, {wording.whole(number)}" for reason, number in apart.items()
        )
        out.append(f"Without one agreed label: {reasons}. They are shown apart and belong to no group.")
    out += [str(note) for note in (facts.about.get("benchmark") or {}).get("notes") or []]
    recorded = (
        "The word “recorded” is meant: groups are what somebody wrote down about people, not what "
        "people said of themselves, unless the table "
    )
    return [*out, recorded + "says so."]


def agreement(facts: Facts) -> Table | None:
    """Agreement between label sources, as the benchmark's card gives it."""
    entries = (facts.about.get("benchmark") or {}).get("agreement", [])
    if not entries:
        return None
    heads = list(dict.fromkeys(str(name) for entry in entries for name in entry))
    rows = tuple(tuple(listed(entry.get(name)) for name in heads) for entry in entries)
    return Table(
        "Agreement between label sources",
        tuple(wording.capital(name.replace("_", " ")) for name in heads),
        rows,
        (),
        True,
    )


def _label_names(facts: Facts) -> dict[str, str]:
    """Label columns by their titles."""
    entries = (facts.about.get("benchmark") or {}).get("labels", [])
    return {str(entry.get("column")): str(entry.get("title") or entry.get("column")) for entry in entries}


def sensitivity(facts: Facts) -> Table | None:
    """Headline ratios of the finest groups under each source of labels, where more than one source can be judged."""
    frame = facts.result.tables.get("label_sensitivity")
    if frame is None or frame.empty:
        return None
    names = _label_names(facts)
    rows = []
    for measure in (facts.wrong, facts.missed):
        standing = {row.group: row.standing for row in facts.comparisons(facts.headline, measure)}
        wanted = (
            (frame["operating_point"] == facts.headline.id)
            & (frame["weighting"] == facts.weighting)
            & (frame["measure"] == measure)
        )
        for row in frame[wanted & frame["group"].isin([group.name for group in facts.labelled])].to_dict("records"):
            people = float(row["subjects"])
            own = people != people
            people = float(facts.rate(facts.headline, measure, str(row["group"])).subjects) if own else people
            value, low, high = (float(row[name]) for name in ("ratio", "low", "high"))
            known = wording.ratio_in_words(
                value if value > 0 else float("nan"), low if low > 0 else float("nan"), high
            )
            if own and standing.get(str(row["group"])) != "ok":
                ratio = wording.too_few_in_words(people, facts.minimum)
            elif people < facts.minimum:
                ratio = (
                    f"{known}; too few people to judge by this source alone"
                    if low > 1 or high < 1
                    else wording.too_few_in_words(people, facts.minimum)
                )
            else:
                ratio = known
            source = "; ".join(names.get(part, part) for part in str(row["label_source"]).split(", "))
            rows.append(
                (
                    wording.group_label(str(row["group"])),
                    wording.measure_in_words(measure),
                    source,
                    wording.whole(people),
                    ratio,
                )
            )
    heads = ("Group", "Error", "Labels", "People", "Times the reference")
    caption = f"Ratios to {facts.group(facts.reference).words} under each source of labels, at {facts.headline.words}"
    return Table(caption, heads, tuple(rows), (), True, frozenset({3})) if rows else None

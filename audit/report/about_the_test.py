"""Facts in, tables about the test itself out: what was tested, on whom, with which labels, and where the reader finds
what.

Its one idea: what ``audit.json`` says of matcher, benchmark and labels is printed as it stands, in one order, with
gaps left visible.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.report.facts import Facts
from audit.report.printed import Table, listed, plain
from audit.words import wording
from audit.words.columns import MEASURES
from audit.words.terms import SOURCES, TERMS

__all__ = [
    "checklist",
    "fields",
    "formulas",
    "reproduce",
    "score",
    "summaries",
    "tested",
    "thresholds",
    "version",
]


def _facts_table(caption: str, pairs: list[tuple[str, Any]]) -> Table:
    rows = tuple((name, listed(value)) for name, value in pairs if value not in (None, "", [], {}))
    return Table(caption, ("What", "Answer"), rows)


def tested(facts: Facts) -> Table:
    """Matcher, photos, people and comparisons."""
    matcher, bench, counts, given = (
        facts.about.get(name) or {} for name in ("matcher", "benchmark", "counts", "input")
    )
    people = wording.people(counts["subjects"]) if "subjects" in counts else "not known"
    return _facts_table(
        "The matcher, the photos and the people" if not facts.outputs else "What was handed over",
        [
            ("Matcher", matcher.get("product") or matcher.get("backend")),
            ("Version", matcher.get("version")),
            ("How the file was made", matcher.get("description") if facts.outputs else ""),
            ("File", given.get("file")),
            ("Its sha256", given.get("sha256")),
            ("Score", score(matcher)),
            ("The vendor’s own threshold", matcher.get("default_threshold")),
            (
                "Photos",
                ", ".join(
                    str(bench[name])
                    for name in ("title" if bench.get("title") else "name", "variant")
                    if bench.get(name)
                ),
            ),
            ("Who is shown", bench.get("people")),
            ("How the photos were made", bench.get("how_made")),
            ("People", people),
            (
                "Photos tried, and acquired",
                f"{plain(counts['samples'])}, {plain(counts.get('acquired'))}" if "samples" in counts else "",
            ),
            ("Searches", plain(counts.get("searches"))),
            ("Of these, for people in the gallery", plain(counts.get("mated_searches"))),
            ("Of these, for people not in it", plain(counts.get("non_mated_searches"))),
            ("Candidates returned", plain(counts.get("candidates"))),
            ("Faces in the gallery", plain(counts.get("gallery"))),
            ("Comparisons", plain(counts.get("comparisons"))),
            ("Of these, of one person", plain(counts.get("mated"))),
            (
                "Licence and permitted use",
                " ".join(str(bench[name]) for name in ("licence", "permitted_use") if bench.get(name)),
            ),
        ],
    )


def version(matcher: Mapping[str, Any]) -> str:
    """Product and version, as far as they were stated."""
    named = matcher.get("product") or matcher.get("backend") or "the matcher"
    known = str(matcher.get("version") or "")
    first, _, rest = known.partition(" ")
    known = (
        rest if rest and first == str(named).partition(" ")[0] else known
    )  # a version that opens with the product's own name
    return f"{named} {known}" if known not in ("", "not stated") and known not in str(named) else str(named)


def score(matcher: Mapping[str, Any]) -> str:
    """The measure and its unit, once where one says the other: "euclidean distance", "cosine similarity", "cosine"."""
    measure, unit = str(matcher.get("measure") or ""), str(matcher.get("unit") or "")
    return unit if measure.casefold() in unit.casefold().split() else f"{measure} {unit}".strip()


def thresholds(facts: Facts) -> Table:
    """Every operating point in words, with the false match rate it gave."""
    rows = []
    for point in facts.points:
        achieved = float(point.row.get(f"achieved_{facts.weighting}", float("nan")))
        achieved = achieved if achieved == achieved else float(point.row.get("achieved_comparisons", float("nan")))
        per = wording.denominator([achieved])
        said = f"{wording.out_of(achieved, per)} in {per:,}" if achieved == achieved else "not known"
        on = point.row.get("calibrated_on")
        where = (wording.group_label(on) if "=" in on else on) if isinstance(on, str) and on else "not set on data"
        rows.append((wording.capital(point.words), point.exactly, where, said))
    what = wording.compared_in_words(facts.wrong, facts.weighting)
    heads = ("Threshold", "Exactly", "Set on", f"Wrong person, weighted by {facts.weighting}")
    if facts.searched:
        return Table(
            f"Thresholds, who set them, and how many {what} return somebody", (*heads[:3], "Wrong person"), tuple(rows)
        )
    return Table(
        f"Thresholds, who set them, and how many {what.removesuffix(', one photo each')} match", heads, tuple(rows)
    )


def fields(facts: Facts) -> Table:
    """What a department would copy into a request or an annual report."""
    matcher, bench = (facts.about.get(name) or {} for name in ("matcher", "benchmark"))
    point = facts.headline
    rates = []
    for measure in (facts.wrong, facts.missed):
        items = [(group, facts.rate(point, measure, group.name)) for group in facts.labelled]
        known = [(group, item) for group, item in items if item.standing in ("ok", "none seen")]
        per = wording.denominator(item.rate for _, item in known)
        shown = "; ".join(f"{group.label} {facts.short(point, measure, group.name, per)}" for group, _ in known)
        rates.append(
            (f"{wording.capital(wording.measure_in_words(measure))}, in {per:,}", shown or "too few people to say")
        )
    searched = facts.searched or "searches" in facts.result.tables
    few = [
        group.name
        for group in facts.labelled
        if facts.rate(point, facts.wrong, group.name).standing in ("too few", "withheld")
    ]
    return _facts_table(
        "Fields for a request or an annual report",
        [
            ("System and version", version(matcher)),
            ("Threshold", wording.capital(point.words)),
            ("Tested on", bench.get("title") or bench.get("name")),
            (
                "Groups, as recorded by",
                "; ".join(f"{entry.get('title')}: {entry.get('kind')}" for entry in bench.get("labels", [])),
            ),
            *rates,
            ("Groups with too few people", wording.groups_in_words(few)),
            (
                "Not measured",
                "use in practice; causes" if searched else "searches of a gallery; use in practice; causes",
            ),
            ("Limits of this run", facts.about.get("limited")),
            ("Date", facts.config.report.date),
            ("Prepared by", facts.config.report.prepared_by),
        ],
    )


def summaries(facts: Facts) -> Table | None:
    """Summary measures of inequity at the headline, with intervals and null bands, where they were computed."""
    frame = facts.result.tables.get("summaries")
    if frame is None or frame.empty:
        return None
    chosen = frame[(frame["operating_point"] == facts.headline.id) & (frame["weighting"] == facts.weighting)]
    if "grouping" in chosen.columns:
        chosen = chosen[chosen["grouping"].isin(["cells", "|".join(facts.config.groups.attributes)])]
    rows = []
    for row in chosen.to_dict("records"):
        ends = [
            (plain(row.get(low)), plain(row.get(high))) for low, high in (("low", "high"), ("null_low", "null_high"))
        ]
        spans = [f"{low} to {high}" if low and high else "" for low, high in ends]
        name = str(row["summary"])
        known = TERMS.get("max_over_min" if name == "ratio" else name)
        measure = str(row["measure"])
        rows.append(
            (
                f"{known.term if known else name} ({name})",
                measure,
                plain(row["value"]),
                *spans,
                str(row.get("note") or ""),
            )
        )
    heads = (
        "Summary, by id",
        "Of",
        "Value",
        f"Interval, {wording.percent(facts.confidence)}",
        "By chance alone",
        "Note",
    )
    caption = f"Summary measures at {facts.headline.words}; “by chance alone” is what equal groups would show"
    return Table(caption, heads, tuple(rows), (), True, frozenset({2, 3, 4})) if rows else None


def formulas() -> Table:
    """Every quantity with a formula, by id, with its source."""
    rows = tuple(
        (key, term.term, term.formula, SOURCES.get(term.source, "")) for key, term in TERMS.items() if term.formula
    )
    return Table("Formulas", ("Id", "Name", "Formula", "Source"), rows, (), True)


def checklist(facts: Facts) -> Table:
    """Where a reader finds what such reports are asked for."""
    yes = "reported"
    searched = bool(facts.result.rates["measure"].isin(["FPIR", "FNIR"]).any())
    rows = (
        ("System, version, threshold and who set it", yes, "section 2"),
        ("Demographic groups, how labels were obtained, categories verbatim", yes, "section 12"),
        ("People, photos and comparisons per group", yes, "sections 2, 10, 12; tables"),
        ("False matches per group at one threshold", yes, "section 4"),
        ("False non-matches per group at one threshold", yes, "section 5"),
        ("Failures to acquire per group", yes, "section 10"),
        (
            "False matches across groups",
            yes if (facts.result.rates["other_group"] != "").any() else "not measured",
            "section 11",
        ),
        ("Uncertainty that respects shared people", yes, "sections 4 to 6, 14"),
        (
            "Size of gap these people could show",
            yes if "power" in facts.result.tables else "not computed",
            "section 6",
        ),
        ("Identification, per group", yes if searched else "not measured", "section 8"),
        (
            "Image quality as an explanation",
            yes if "quality" in facts.result.tables else "not measured",
            "section 3, claim C3",
        ),
        ("Limits and conditions of use", yes, "section 13"),
    )
    return Table("What such a report is asked for, and where it stands", ("Item", "Here", "Where"), rows)


def reproduce(facts: Facts) -> Table:
    """Fingerprints and the names to ask for."""
    matcher, bench = (facts.about.get(name) or {} for name in ("matcher", "benchmark"))
    return _facts_table(
        "What to hold beside your own run",
        [
            ("Run", facts.config.name),
            ("Benchmark", bench.get("name")),
            ("Backend", matcher.get("backend")),
            ("Matcher’s fingerprint", matcher.get("fingerprint")),
            ("Seed", str(facts.config.uncertainty.seed)),
            ("Measures", ", ".join(MEASURES)),
        ],
    )

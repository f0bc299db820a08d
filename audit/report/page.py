"""An ``AuditResult`` in, every page and file of the report out, as bytes.

Its one idea: the pages are made from results alone and from nothing else, no clock, no file, no network, so the same
results give the same bytes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from audit.findings import claims as register_room
from audit.findings.register import Register, load
from audit.findings.verdicts import verdicts
from audit.report import about_the_people, about_the_test, handed_over
from audit.report.facts import ALL, UNLABELLED, Facts
from audit.report.figures.figure import Figure
from audit.report.figures.many_thresholds import Curves
from audit.report.fill import named, page, parts, say
from audit.report.printed import Table, appendix, weightings
from audit.report.published import csv_files
from audit.report.searches import Searches
from audit.report.standing import Group, Point, anchor
from audit.report.withheld import published
from audit.results import AuditResult
from audit.results import digest as digest_of
from audit.words.columns import TABLES
from audit.words.terms import SOURCES, TERMS

__all__ = ["render"]

_ON_SUMMARY = 8
"""Groups on the one-page summary; the rest stand in the report."""
_CONTENTS = (
    ("answer", "The answer first"),
    ("tested", "What was tested"),
    ("claims", "The claims, one by one"),
    ("wrong", "Wrong person, per group"),
    ("missed", "Missed person, per group"),
    ("gaps", "Gaps: how many times the reference"),
    ("threshold", "Setting the threshold"),
    ("gallery", "More faces in the gallery"),
    ("exposure", "Rate times exposure"),
    ("failures", "Photos that never got in"),
    ("matrix", "Who is taken for whom"),
    ("people", "Data and people"),
    ("limits", "Limits"),
    ("method", "Method in plain words"),
    ("appendix", "Technical appendix"),
    ("reproduce", "Do it again"),
    ("glossary", "Glossary, how to cite, corrections"),
)


def _lead(facts: Facts) -> list[str]:
    """Which error comes first: wrong person, unless only missed person shows a difference."""
    wrong, missed = (facts.outcome(facts.headline, measure).case for measure in (facts.wrong, facts.missed))
    rank = {"more": 0, "less": 0, "likely_more": 1, "likely_less": 1}
    return [facts.wrong, facts.missed] if rank.get(wrong, 2) <= rank.get(missed, 2) else [facts.missed, facts.wrong]


def _claims(facts: Facts) -> tuple[Register, list[Any]]:
    """The register, and its verdicts as findings hold them."""
    register = load(facts.config.report.claims, facts.result.register)
    return register, [finding for finding in facts.result.findings if finding.kind == "claim"]


def _claims_elsewhere(facts: Facts, claims: Sequence[Any]) -> dict[str, list[tuple[Point, Any]]]:
    """Verdicts that read differently at another threshold, by claim."""
    result = facts.result
    out: dict[str, list[tuple[Point, Any]]] = {}
    for point in facts.points[1:]:
        made = verdicts(
            result.config,
            result.rates,
            result.differentials,
            result.operating_points,
            result.acquisition,
            result.tables,
            result.register,
            point.id,
            findings=result.findings,
        )
        first = {claim.values["id"]: claim for claim in claims}
        for claim in made:
            here = first.get(claim.values["id"])
            same = here and all(here.values[name] == claim.values[name] for name in ("verdicts", "reasons", "more"))
            if claim.values["rule"] in ("differential", "levels") and not same:
                out.setdefault(str(claim.values["id"]), []).append((point, claim))
    return out


def _other_references(facts: Facts, curves: Curves) -> list[tuple[str, list[Table]]]:
    frame = facts.result.tables.get("references")
    if frame is None or frame.empty:
        return []
    names = [group.name for group in facts.labelled if group.name in set(frame["reference"]) and not group.reference]
    return [
        (
            name,
            [
                table
                for measure in (facts.wrong, facts.missed)
                if (table := curves.gaps(facts.headline, measure, reference=name).table).rows
            ],
        )
        for name in names
    ]


def _figures(facts: Facts, curves: Curves) -> dict[str, Any]:
    lead = _lead(facts)[0]
    shared = [point for point in facts.points if point.row.get("protocol") != "per_group"]
    first = curves.rates(facts.headline, lead)
    return {
        "first": first.renamed("answer"),
        "answers": {
            point.id: curves.rates(point, lead).renamed(f"answer-{point.slug}")
            for point in facts.points[1:]
            if facts.measured(point, lead)
        },
        "wrong": [curves.rates(point, facts.wrong) for point in facts.points if facts.measured(point, facts.wrong)],
        "missed": [curves.rates(point, facts.missed) for point in facts.points if facts.measured(point, facts.missed)],
        "gaps_wrong": [curves.gaps(point, facts.wrong) for point in shared if facts.measured(point, facts.wrong)],
        "gaps_missed": [curves.gaps(point, facts.missed) for point in shared if facts.measured(point, facts.missed)],
        "tradeoff": curves.tradeoff(),
        "failures": curves.rates(facts.headline, "FTA", weighting="comparisons")
        if "FTA" in set(facts.result.rates["measure"])
        else None,
        "matrix": [figure for point in facts.points if (figure := curves.matrix(point))],
        "det": curves.det(),
        "det_comparisons": curves.det("comparisons") if facts.weighting == "people" else None,
        "scores": curves.distributions(),
    }


def _kept(facts: Facts, groups: Sequence[Group]) -> list[Group]:
    """The groups of the one-page summary, in their order: most errors first,
    and always those that the answer names.
    """
    named = set(facts.four_groups())
    others = [group for group in groups if group.name not in named][: max(0, _ON_SUMMARY - len(named))]
    return [group for group in groups if group.name in named or group in others]


def _link(facts: Facts, tables: Sequence[Table]) -> Any:
    ids = {ident for table in tables for ident in table.ids}

    def link(key: str) -> str:
        return f"#{anchor(key)}" if anchor(key) in ids else f"tables/{parts(key)[0]}.csv"

    return link


def _namer(facts: Facts) -> Any:
    points = {point.id: point.short for point in facts.points}
    return lambda key: named(key, points)


def render(result: AuditResult, *, audience: str = "council", pdf: bool = False, digest: str = "") -> dict[str, bytes]:
    """Every page and published file of one audit.

    Parameters
    ----------
    result : AuditResult
    audience : {"council", "auditor"}
        For auditors the tables of the appendix stand open, and the PDF holds them.
    pdf : bool
        Also ``report.pdf``, tagged (PDF/UA-1); needs WeasyPrint.
    digest : str, optional
        Of the results directory, which every page shows; that of ``result`` as it is written where absent.

    Returns
    -------
    dict of str to bytes
        Relative file name to content; the same result gives the same bytes.
    """
    shown, withheld = published(result)
    facts = Facts(shown, withheld, digest or digest_of(result))
    curves = Curves(facts, say())
    figures = _figures(facts, curves)
    lead = _lead(facts)
    tables = appendix(facts)
    register, claims = _claims(facts)
    headline = " ".join(str(say().title_of(facts, facts.headline, lead[0])).split()).rstrip(".")
    context: dict[str, Any] = {
        "facts": facts,
        "searches": Searches(facts),
        "figures": figures,
        "lead": lead,
        "headline": headline,
        "contents": _CONTENTS,
        "claims": claims,
        "register": register,
        "rules": register_room.RULES,
        "elsewhere": _claims_elsewhere(facts, claims),
        "strict": sorted(facts.points, key=lambda point: float(point.row.get("score_threshold", 0.0) or 0.0)),
        "others": _other_references(facts, curves),
        "bands": "summaries" in shown.tables,
        "powers": "power" in shown.tables,
        "summaries": about_the_test.summaries(facts),
        "sensitivity": about_the_people.sensitivity(facts),
        "weightings": weightings(facts) if facts.weighting == "people" and not facts.searched else None,
        "refused": handed_over.refused(facts),
        "decided": handed_over.decided(facts),
        "selectivity": handed_over.selectivity(facts),
        "false_candidates": handed_over.false_candidates(facts),
        "formulas": about_the_test.formulas(),
        "checklist": about_the_test.checklist(facts),
        "glossary": list(TERMS.values()),
        "sources": list(SOURCES.values())[1:],
        "findings": [finding for finding in shown.findings if finding.kind != "claim"],
        "appendix": tables,
        "link": _link(facts, tables),
        "named": _namer(facts),
        "audience": audience,
    }
    styles = _least(figures)
    files = {"report.html": page("report.html.j2", script=True, styles=styles, print=False, **context)}
    groups = [group for group in facts.groups if group.name != UNLABELLED]
    kept = _kept(facts, groups)
    summary = curves.rates(facts.headline, lead[0], only=kept, pitch=40).renamed("summary")
    files["summary.html"] = page(
        "summary.html.j2", summary=True, print=False, figure=summary, hidden=len(groups) - len(kept), **context
    )
    files["guide.html"] = page("guide.html.j2", **context)
    files["report.json"] = _json(facts, headline, claims)
    for figure in _all(figures):
        files[f"figures/{figure.id}.svg"] = figure.file.encode()
    files |= csv_files(facts)
    if pdf:
        from audit.report.pdf import tagged_pdf

        files["report.pdf"] = tagged_pdf(page("report.html.j2", styles=styles, print=True, **context))
    return files


def _all(figures: Mapping[str, Any]) -> list[Figure]:
    found = []
    for name, value in figures.items():
        if name == "answers":  # the figures of sections 4 and 5 once more
            continue
        found += [value] if isinstance(value, Figure) else list(value or [])
    return found


def _least(figures: Mapping[str, Any]) -> str:
    """Style rules for drawings that scroll in their own frame: the page's policy
    allows no style of an element's own.
    """
    return "\n".join(
        f".least-{pixels}{{min-width:{pixels}px}}"
        for pixels in sorted({figure.least for figure in _all(figures)} - {0})
    )


def _clean(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(name): _clean(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(item) for item in value]
    return value.item() if hasattr(value, "item") else value


def _json(facts: Facts, headline: str, claims: Sequence[Any]) -> bytes:
    """The report for programs: the headline, findings, verdicts, and each finest group's rates at every operating
    point.
    """
    rates = [
        {
            "operating_point": point.id,
            "standing": item.standing,
            **{name: item.row.get(name) for name in list(TABLES["rates.csv"])[1:]},
        }
        for point in facts.points
        for measure in (facts.wrong, facts.missed, "FNMR_with_failures")
        for group in [*facts.groups, facts.group(ALL)]
        if (item := facts.rate(point, measure, group.name)).row
    ]
    body = {
        "name": facts.config.name,
        "digest": facts.digest,
        "headline": headline,
        "about": facts.about,
        "findings": [asdict(finding) for finding in facts.result.findings if finding.kind != "claim"],
        "claims": [asdict(claim) for claim in claims],
        "rates": rates,
    }
    return (json.dumps(_clean(body), indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode(errors="replace")

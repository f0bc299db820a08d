"""A register of claims and the tables of one audit in, one finding per claim out: a verdict by a written rule, with
the rows it rests on.

Its one idea: a claim is data (``registers/*.toml``) and a verdict is a rule over rows, so nobody words an answer by
hand, and a reader can bring a register of their own. Verdicts: supported, not supported, cannot tell with these data,
out of scope.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from audit.findings.claim_rows import (
    CANNOT_TELL,
    NOT_SUPPORTED,
    OUT_OF_SCOPE,
    SUPPORTED,
    Evidence,
    alike_otherwise,
    between,
    headline,
    key,
    outcome,
)
from audit.findings.finding import Finding
from audit.findings.quality import find_matched
from audit.findings.register import Claim, Register
from audit.words import wording

__all__ = [
    "RULES",
    "judge",
]


RULES: dict[str, str] = {
    "differential": (
        "Supported where at least half of the groups named have a clear difference towards more "
        "errors, of at least “much” at the lower limit, and "
        "none a clear difference towards fewer. Not supported where no group has a clear or "
        "likely difference towards more errors, and at least half "
        "have a clear difference towards fewer or no difference larger than the margin. "
        "Otherwise: cannot tell. Each error is judged by itself; "
        "groups with too few people do not count. A claim about one attribute, such as women "
        "against men, is judged between groups that differ in it "
        "alone: all women against all men, and within each group alike otherwise."
    ),
    "power": (
        "Supported where a gap of “much” would usually be missed in at least half of the groups; "
        "not supported where it would be seen in all of "
        "them; otherwise, or without the table: cannot tell."
    ),
    "matched": (
        "Where rates at matched image quality are among the tables, they are given. That a gap "
        "remains for one matcher is an association, and a "
        "claim about the software itself needs others on the same photos: cannot tell."
    ),
    "needs": "Judged only where the table named is there. Until then: cannot tell.",
    "levels": "The claim sets no limit that a number could meet. The numbers are given, and the verdict "
    "is: cannot tell.",
    "limits": (
        "The reader sets limits in the config (report.limits). A threshold passes where every "
        "group with enough people lies below each limit at its "
        "upper end, and fails where a group lies above one at its lower end. Not supported where "
        "a threshold passes; supported where all fail; "
        "otherwise, or without limits: cannot tell."
    ),
    "outputs": "Supported where this audit had scores, candidates or templates alone, without photos or "
    "the matcher; otherwise: cannot tell.",
    "out_of_scope": "Not a question that a test of a matcher can answer.",
}


Answer = tuple[dict[str, tuple[str, str]], list[str], list[str]]
"""Question -> (verdict, what it rests on); further sentences; evidence keys."""


def _differential(claim: Claim, evidence: Evidence) -> Answer:
    verdicts: dict[str, tuple[str, str]] = {}
    keys: list[str] = []
    for measure in claim.measures:
        rows = headline(evidence.differentials, evidence, measure)
        rows = rows[rows["reference"] == evidence.reference] if not rows.empty else rows
        for part in claim.parts:
            if part.against:
                for words, mine in alike_otherwise(part, evidence, measure):
                    verdicts[f"{wording.measure_in_words(measure)}, {words}"] = between(mine, evidence)
                    keys += [key("references" if row.elsewhere else "differentials", row) for row in mine.itertuples()]
                continue
            name = wording.measure_in_words(measure) + (f", {part.words}" if len(claim.parts) > 1 else "")
            mine = rows[[part.holds(group) for group in rows["group"]]] if not rows.empty else rows
            if mine.empty:
                verdicts[name] = (CANNOT_TELL, "")
                continue
            verdicts[name] = outcome(mine, evidence.much, evidence.tables.get("differences"), evidence.per)
            keys += [key("differentials", row) for row in mine.itertuples()]
    unjudged = any(not said for _, said in verdicts.values())
    return verdicts, [f"This would need {claim.needs}."] if unjudged else [], list(dict.fromkeys(keys))


def _power(claim: Claim, evidence: Evidence) -> Answer:
    frame = evidence.tables.get("power")
    rows = (
        headline(frame, evidence, "FMR").dropna(subset=["detectable_ratio"]) if frame is not None else pd.DataFrame()
    )
    took = [f"This audit took {wording.duration(evidence.seconds)} of computing."] if evidence.seconds else []
    if rows.empty:
        return {"": (CANNOT_TELL, "")}, [f"This would need {claim.needs}.", *took], []
    rows = rows[rows["group"].str.contains("|", regex=False) == ("|" in evidence.reference)]
    missed = rows["detectable_ratio"] > evidence.much
    said = (
        f"A gap of {wording.number(evidence.much)} times would usually be missed in "
        f"{int(missed.sum())} of {wording.count(len(rows), 'group')}."
    )
    verdict = SUPPORTED if missed.mean() >= 0.5 else CANNOT_TELL if missed.any() else NOT_SUPPORTED
    return {"": (verdict, "")}, [said, *took], [key("power", row) for row in rows.itertuples()]


def _levels(claim: Claim, evidence: Evidence) -> Answer:
    words, keys = [], []
    for measure in claim.measures:
        rows = headline(evidence.rates, evidence, measure)
        if not rows.empty:
            finest = rows["group"].str.contains("=", regex=False) & (
                rows["group"].str.count(r"\|") == evidence.reference.count("|")
            )
            rows = rows[(rows["other_group"] == "") & finest & (rows["subjects"] >= evidence.minimum)].dropna(
                subset=["rate"]
            )
        if rows.empty:
            continue
        per = max(evidence.per, wording.denominator(rows["rate"]))
        ordered = sorted((float(rate), str(group)) for rate, group in zip(rows["rate"], rows["group"], strict=True))
        said = " to ".join(
            f"{wording.out_of(rate, per) if rate else 'none seen'} ({wording.group_label(group)})"
            for rate, group in (ordered[0], ordered[-1])
        )
        name = wording.measure_in_words(measure)
        words.append(f"{wording.capital(name)}, in {per:,}: {said}.")
        keys += [key("rates", row) for row in rows.itertuples()]
    return {"": (CANNOT_TELL, "")}, [*words, f"A verdict would need {claim.needs}."], keys


def _limits(claim: Claim, evidence: Evidence) -> Answer:
    """Each threshold against the limits that the reader set; without limits the levels alone."""
    if not evidence.limits:
        return _levels(claim, evidence)
    rates = evidence.rates
    finest = rates["group"].str.contains("=", regex=False) & (
        rates["group"].str.count(r"\|") == evidence.reference.count("|")
    )
    usual = (
        (rates["weighting"] == "people")
        & (rates["other_group"] == "")
        & finest
        & (rates["subjects"] >= evidence.minimum)
    )
    words, keys, states = [], [], []
    for point, said in evidence.points.items():
        over, sure = False, True
        for measure, limit in evidence.limits.items():
            rows = rates[usual & (rates["measure"] == measure) & rates["operating_point"].isin([point, ""])]
            over = over or bool((rows["low"] > limit).any())
            sure = sure and len(rows) > 0 and bool((rows["high"] <= limit).all())
            keys += [key("rates", row) for row in rows.itertuples()]
        state = "fails" if over else "passes" if sure else "cannot be judged"
        states.append(state)
        words.append(f"At {said}: {state}.")
    asked = wording.joined(
        f"{wording.measure_in_words(measure)} at most {wording.out_of(limit, 100_000)} in 100,000"
        for measure, limit in evidence.limits.items()
    )
    verdict = (
        NOT_SUPPORTED if "passes" in states else SUPPORTED if states and set(states) == {"fails"} else CANNOT_TELL
    )
    return {"": (verdict, "")}, [f"The limits set by the reader: {asked}.", *words], keys


def _needs(claim: Claim, evidence: Evidence) -> Answer:
    return {"": (CANNOT_TELL, "")}, [f"This would need {claim.needs}."], []


def _matched(claim: Claim, evidence: Evidence) -> Answer:
    table = evidence.tables.get("quality_matched")
    found = None if table is None else find_matched(table, {"operating_point": evidence.point}, evidence.reference)
    if found is None:
        return _needs(claim, evidence)
    return (
        {"": (CANNOT_TELL, "")},
        [str(found.values["found"]), *found.caveats, "A verdict would need a second matcher on the same photos."],
        list(found.evidence),
    )


def _outputs(claim: Claim, evidence: Evidence) -> Answer:
    if evidence.backend in ("scores", "candidates", "templates"):
        return (
            {"": (SUPPORTED, "")},
            ["This audit was made from outputs alone. Photos and matcher were not at hand, and were not checked."],
            [],
        )
    return {"": (CANNOT_TELL, "")}, [f"This would need {claim.needs}."], []


def _out_of_scope(claim: Claim, evidence: Evidence) -> Answer:
    return {"": (OUT_OF_SCOPE, "")}, [], []


_RULES: dict[str, Callable[[Claim, Evidence], Answer]] = {
    "differential": _differential,
    "power": _power,
    "levels": _levels,
    "limits": _limits,
    "needs": _needs,
    "matched": _matched,
    "outputs": _outputs,
    "out_of_scope": _out_of_scope,
}


def judge(register: Register, evidence: Evidence) -> tuple[Finding, ...]:
    """One finding of kind ``claim`` per claim; ``values`` hold its quote, source, question, rule and verdicts."""
    found = []
    for claim in register.claims:
        verdicts, words, keys = _RULES[claim.rule](claim, evidence)
        judged = [f"{wording.capital(name)}: {said}." for name, (_, said) in verdicts.items() if said]
        sources = [register.sources.get(name, name) for name in claim.source.split(", ")]
        values = {
            "id": claim.id,
            "quote": claim.quote,
            "paraphrase": claim.paraphrase,
            "source": "; ".join(sources),
            "question": claim.question,
            "rule": claim.rule,
            "verdicts": {name: verdict for name, (verdict, _) in verdicts.items()},
            "reasons": {name: said for name, (_, said) in verdicts.items()},
            "more": " ".join(words),
        }
        caveats = (claim.note,) if claim.note else ()
        found.append(
            Finding(f"claim:{claim.id}", "claim", " ".join([*judged, *words]), tuple(keys), caveats, "", values)
        )
    return tuple(found)

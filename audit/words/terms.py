"""One record per reported quantity: the code, the CSV headers, the glossary and the report all read it.

Terms follow public usage in biometrics (mated and non-mated comparison, FMR, FNMR, FTA); the page is modelled on that
usage and claims no conformity with any standard.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from audit.base.errors import ConfigError

__all__ = ["SOURCES", "TERMS", "Term", "explain"]


@dataclass(frozen=True)
class Term:
    """One quantity or word.

    Attributes
    ----------
    term : str
        As the report prints it.
    symbol : str
        Short form, or "".
    formula : str
        Plain text, or "".
    source : str
        Key into ``SOURCES``, or "".
    plain : str
        One sentence without jargon.
    """

    term: str
    symbol: str
    formula: str
    source: str
    plain: str


SOURCES: dict[str, str] = {
    "METRICS": "Definitions of this project: audit/stats/README.md, and the method section of the report.",
    "fogliato2023": "Fogliato, Patil & Perona (2023), Confidence Intervals for Error Rates in 1:1 Matching Tasks.",
    "grother2019": "Grother, Ngan & Hanaoka (2019), NISTIR 8280: Face Recognition Vendor Test Part 3: "
    "Demographic Effects.",
    "grother2021": "Grother (2021), Demographic Differentials in Face Recognition Algorithms (inequity rate).",
    "pereira2020": "de Freitas Pereira & Marcel (2020), Fairness in Biometrics: a figure of merit (FDR).",
    "howard2022": "Howard, Laird, Sirotin, Rubin, Tipton & Vemury (2022), Evaluating Proposed Fairness "
    "Models (GARBE).",
    "werm2024": "Worst-case error relative to the geometric mean (WERM), 2024.",
    "wilson1927": "Wilson (1927), Probable inference, the law of succession, and statistical inference.",
    "zou2008": "Zou & Donner (2008), Construction of confidence limits about effect measures (MOVER).",
    "welch1951": "Welch (1951), On the comparison of several mean values: an alternative approach.",
    "hanley1982": "Hanley & McNeil (1982), The meaning and use of the area under a receiver operating "
    "characteristic (ROC) curve.",
    "kish1965": "Kish (1965), Survey Sampling (design effect).",
}

_T = Term
TERMS: dict[str, Term] = {
    "FMR": _T(
        "false match rate", "FMR", "FMR(T) = share of non-mated comparisons with s >= T", "METRICS",
        "Wrong person: of photo pairs that show two different people, the share the matcher calls the same person.",
    ),
    "FMR_same_cell": _T(
        "false match rate, same finest cell", "FMR_same_cell", "FMR over pairs of people who share the finest cell", "METRICS",
        "Wrong person, counted only between people recorded alike in every attribute (for example " "same race and same sex).",
    ),
    "FNMR": _T(
        "false non-match rate", "FNMR", "FNMR(T) = share of mated comparisons with s < T", "METRICS",
        "Missed person: of photo pairs that show the same person, the share the matcher does not recognise as such.",
    ),
    "FNMR_with_failures": _T(
        "false non-match rate, failures counted", "FNMR_with_failures",
        "mated pairs of attempted samples that do not match or of which a sample has no template, " "over all of them", "METRICS",
        "Missed person, where a photo in which no face was found counts as a miss.",
    ),
    "FTA": _T(
        "failure to acquire", "FTA", "FTA = samples without a template / samples attempted", "METRICS",
        "Photos that never got in: the share of photos from which the matcher made no template.",
    ),
    "FPIR": _T(
        "false positive identification rate", "FPIR", "non-mated searches with at least one candidate >= T / non-mated searches", "METRICS",
        "Of searches for somebody who is not in the gallery, the share that return at least one wrong person.",
    ),
    "FNIR": _T(
        "false negative identification rate", "FNIR", "mated searches whose mate is below T or not in the top R / mated searches", "METRICS",
        "Of searches for somebody who is in the gallery, the share that do not return that person.",
    ),
    "SEL": _T(
        "selectivity", "SEL", "candidates >= T in non-mated searches / non-mated searches, lists not cut off", "METRICS",
        "Of a search for somebody who is not in the gallery: how many wrong people it returns, on average.",
    ),
    "mated": _T("mated comparison", "", "", "METRICS", "A comparison of two photos of the same person."),
    "non-mated": _T("non-mated comparison", "", "", "METRICS", "A comparison of photos of two different people."),
    "score": _T("comparison score", "s", "", "METRICS", "The number the matcher gives to a pair of photos; here larger always means more alike."),
    "threshold": _T("threshold", "T", "match if s >= T", "METRICS", "The score from which a pair is called the same person; a score equal to it is a match."),
    "operating point": _T("operating point", "", "", "METRICS", "One threshold, and how it was chosen."),
    "cell": _T("demographic cell", "", "", "METRICS", "The finest group: people recorded alike in every attribute, such as one race and one " "sex."),
    "subject": _T("subject", "", "", "METRICS", "One person in the benchmark, under an opaque number."),
    "sample": _T("sample", "", "", "METRICS", "One photo of one person."),
    "template": _T("template", "", "", "METRICS", "The list of numbers a matcher makes of a face; no photo can be seen in it."),
    "differential": _T(
        "demographic differential", "", "FMR_A / FMR_B", "grother2019", "A difference in an error rate between groups, at one threshold for everybody."
    ),
    "ratio": _T("ratio", "r", "x_A / x_B", "METRICS", "How many times one group's rate is another's."),
    "people": _T(
        "people weighting", "people", "mean over pairs of people of e_ij / m_ij", "METRICS",
        "Two random different people of the group, one random photo each; nobody counts more for " "being photographed more.",
    ),
    "comparisons": _T(
        "comparisons weighting", "comparisons", "sum e / sum m", "METRICS", "A random comparison; a few much-photographed people can decide it."
    ),
    "interval": _T(
        "interval", "", "Wilson with n_eff = p(1-p)/Var, subject-clustered", "fogliato2023",
        "The range that holds the true rate in 95 of 100 such audits; it treats people, not photo " "pairs, as independent.",
    ),
    "design effect": _T(
        "design effect", "DEFF", "Var * M / (p (1 - p))", "kish1965",
        "How many times more uncertain the rate is because comparisons share people than if each " "comparison stood alone.",
    ),
    "MOVER": _T(
        "MOVER ratio interval", "MOVER", "r * exp(-+ sqrt(sum of squared log distances to the limits))", "zou2008",
        "The interval of a ratio, made from the intervals of its two rates.",
    ),
    "null band": _T(
        "null band", "", "each group's rate drawn around the pooled rate p0, as far as its limits at p0 reach, " "again and again", "METRICS",
        "How unequal equal groups would look by chance alone, with this many people; a gap inside " "the band shows nothing.",
    ),
    "homogeneity test": _T(
        "homogeneity test", "", "Welch's F on ln p_g", "welch1951", "Asks whether all groups could share one rate."
    ),
    "detectable ratio": _T(
        "detectable ratio", "", "80 % power at alpha = .05", "METRICS", "The smallest gap this many people would usually show, if it were there."
    ),
    "difference": _T("difference", "", "max x - min x", "METRICS", "Highest group rate minus lowest."),
    "max_over_min": _T("ratio of extremes", "ratio", "max x / min x", "METRICS", "Highest group rate over lowest."),
    "max_over_geometric_mean": _T(
        "max over geometric mean", "", "max x / (prod x)^(1/G)", "grother2019", "Highest group rate over the typical one; 1 is perfect."
    ),
    "max_over_mean": _T("max over mean", "", "max x / mean x", "METRICS", "Highest group rate over the average one; 1 is perfect."),
    "gini": _T("Gini coefficient", "", "G/(G-1) * sum_ij |x_i - x_j| / (2 G^2 mean x)", "howard2022", "0 when all groups are alike, 1 when one has all errors."),
    "garbe": _T("GARBE", "", "a gini(FMR) + (1-a) gini(FNMR), a = .5", "howard2022", "The Gini coefficients of both errors, averaged; 0 is perfect."),
    "fdr": _T(
        "fairness discrepancy rate", "FDR", "1 - [a max|diff FMR| + (1-a) max|diff FNMR|], a = .5", "pereira2020",
        "One minus the averaged largest gaps; 1 is perfect, and it stays near 1 whenever rates are small.",
    ),
    "inequity_rate": _T(
        "inequity rate", "", "(max/min FMR)^a (max/min FNMR)^(1-a), a = .5", "grother2021", "Both ratios of extremes together; 1 is perfect."
    ),
    "werm": _T("WERM", "", "(max/gm FMR)^a (max/gm FNMR)^(1-a)", "werm2024", "Both errors' worst group over the typical one; 1 is perfect."),
    "AUC": _T(
        "area under the ROC curve", "AUC", "P(mated score > non-mated score) + P(equal)/2", "hanley1982",
        "How often a random pair of one person scores higher than a random pair of two people; " "guessing gives one half.",
    ),
    "d_prime": _T(
        "d'", "d'", "(mean mated - mean non-mated) / sqrt((variance mated + variance non-mated)/2)", "METRICS",
        "How many typical spreads the scores of one person's photos lie above those of two people.",
    ),
    "doubt": _T(
        "doubt", "", "", "METRICS",
        "Something that must be settled before anything is quoted, such as scores that do not " "tell people apart; nothing is judged until then.",
    ),
    "reference": _T("reference group", "", "", "METRICS", "The group others are compared with; the config chooses it."),
    "unlabelled": _T("unlabelled", "", "", "METRICS", "People without one agreed label; always shown, never guessed."),
    "doppelgänger": _T("doppelgänger", "", "", "METRICS", "A different person whose photo matches at the threshold."),
}  # fmt: skip


def explain(word: str) -> Term:
    """Find a term by key, name or symbol; raises ConfigError with the nearest ones."""
    wanted = word.strip().casefold()
    names: dict[str, str] = {}
    spelt: dict[str, str] = {}
    for key, term in TERMS.items():
        for name in (key, term.term, term.symbol):
            if name:
                names.setdefault(name.casefold(), key)
                spelt.setdefault(name.casefold(), name)
    if wanted in names:
        return TERMS[names[wanted]]
    near = difflib.get_close_matches(wanted, names, n=3, cutoff=0.4)
    raise ConfigError(
        "explain",
        got=repr(word),
        allowed=", ".join(sorted(TERMS)),
        todo=f"Did you mean {' or '.join(repr(spelt[name]) for name in near)}?" if near else "Choose one of these",
    )

"""One record per reported quantity: the code, the CSV headers, the glossary and the report all read it.

Terms follow public usage in biometrics (mated and non-mated comparison, FMR, FNMR, FTA); the page is modelled on that usage and claims no
conformity with any standard.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from audit.base.errors import ConfigError

__all__ = ["MEASURES", "SOURCES", "TABLES", "TERMS", "Term", "explain"]


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
    "grother2019": "Grother, Ngan & Hanaoka (2019), NISTIR 8280: Face Recognition Vendor Test Part 3: Demographic Effects.",
    "grother2021": "Grother (2021), Demographic Differentials in Face Recognition Algorithms (inequity rate).",
    "pereira2020": "de Freitas Pereira & Marcel (2020), Fairness in Biometrics: a figure of merit (FDR).",
    "howard2022": "Howard, Laird, Sirotin, Rubin, Tipton & Vemury (2022), Evaluating Proposed Fairness Models (GARBE).",
    "werm2024": "Worst-case error relative to the geometric mean (WERM), 2024.",
    "wilson1927": "Wilson (1927), Probable inference, the law of succession, and statistical inference.",
    "zou2008": "Zou & Donner (2008), Construction of confidence limits about effect measures (MOVER).",
    "welch1951": "Welch (1951), On the comparison of several mean values: an alternative approach.",
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
        "Wrong person, counted only between people recorded alike in every attribute (for example same race and same sex).",
    ),
    "FNMR": _T(
        "false non-match rate", "FNMR", "FNMR(T) = share of mated comparisons with s < T", "METRICS",
        "Missed person: of photo pairs that show the same person, the share the matcher does not recognise as such.",
    ),
    "FNMR_with_failures": _T(
        "false non-match rate, failures counted", "FNMR_with_failures",
        "mated pairs of attempted samples that do not match or of which a sample has no template, over all of them", "METRICS",
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
    "cell": _T("demographic cell", "", "", "METRICS", "The finest group: people recorded alike in every attribute, such as one race and one sex."),
    "subject": _T("subject", "", "", "METRICS", "One person in the benchmark, under an opaque number."),
    "sample": _T("sample", "", "", "METRICS", "One photo of one person."),
    "template": _T("template", "", "", "METRICS", "The list of numbers a matcher makes of a face; no photo can be seen in it."),
    "differential": _T(
        "demographic differential", "", "FMR_A / FMR_B", "grother2019", "A difference in an error rate between groups, at one threshold for everybody."
    ),
    "ratio": _T("ratio", "r", "x_A / x_B", "METRICS", "How many times one group's rate is another's."),
    "people": _T(
        "people weighting", "people", "mean over pairs of people of e_ij / m_ij", "METRICS",
        "Two random different people of the group, one random photo each; nobody counts more for being photographed more.",
    ),
    "comparisons": _T(
        "comparisons weighting", "comparisons", "sum e / sum m", "METRICS", "A random comparison; a few much-photographed people can decide it."
    ),
    "interval": _T(
        "interval", "", "Wilson with n_eff = p(1-p)/Var, subject-clustered", "fogliato2023",
        "The range that holds the true rate in 95 of 100 such audits; it treats people, not photo pairs, as independent.",
    ),
    "design effect": _T(
        "design effect", "DEFF", "Var * M / (p (1 - p))", "kish1965",
        "How many times more uncertain the rate is because comparisons share people than if each comparison stood alone.",
    ),
    "MOVER": _T(
        "MOVER ratio interval", "MOVER", "r * exp(-+ sqrt(sum of squared log distances to the limits))", "zou2008",
        "The interval of a ratio, made from the intervals of its two rates.",
    ),
    "null band": _T(
        "null band", "", "each group's rate drawn around the pooled rate p0, as far as its limits at p0 reach, again and again", "METRICS",
        "How unequal equal groups would look by chance alone, with this many people; a gap inside the band shows nothing.",
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
    "reference": _T("reference group", "", "", "METRICS", "The group others are compared with; the config chooses it."),
    "unlabelled": _T("unlabelled", "", "", "METRICS", "People without one agreed label; always shown, never guessed."),
    "doppelgänger": _T("doppelgänger", "", "", "METRICS", "A different person whose photo matches at the threshold."),
}  # fmt: skip

MEASURES = ("FMR", "FMR_same_cell", "FNMR", "FNMR_with_failures", "FTA")

TABLES: dict[str, dict[str, str]] = {
    "rates.csv": {
        "operating_point": "Id of the threshold; empty for FTA, which has none.",
        "measure": "One of FMR, FMR_same_cell, FNMR, FNMR_with_failures, FTA; FPIR, FNIR for searches.",
        "weighting": "people (headline: a random pair of people, one photo each) or comparisons (a random comparison).",
        "group": "Cell such as race=Asian|sex=Male, coarser group such as sex=Female, 'all labelled', or unlabelled.",
        "other_group": "The other cell of a cross-group rate; empty within a group.",
        "errors": "Comparisons (samples for FTA) in error.",
        "trials": "Comparisons (samples for FTA) made. Rates weighted by people are not errors / trials.",
        "subjects": "People who contribute to this rate.",
        "rate": "In [0, 1]; empty where there were no trials.",
        "low": "Lower limit of the interval; 0 for a one-sided upper bound.",
        "high": "Upper limit.",
        "interval": "The method's name and level; empty where no interval is printed.",
        "design_effect": "Variance over that of independent comparisons.",
        "note": "Why something is empty, one-sided, or to be read with care.",
    },
    "differentials.csv": {
        "operating_point": "Id of the threshold.",
        "measure": "As in rates.csv.",
        "weighting": "people or comparisons.",
        "group": "The group whose rate stands above the line.",
        "reference": "The group whose rate stands below the line.",
        "ratio": "rate of group / rate of reference; empty where undefined.",
        "low": "Lower limit.",
        "high": "Upper limit.",
        "interval": "The method's name and level.",
        "certainty": "clear difference, likely difference, no difference larger than k, or too uncertain to say.",
        "note": "Why something is empty or to be read with care. The interval excludes label error.",
    },
    "differences.csv": {
        "operating_point": "Id of the threshold; empty for FTA.",
        "measure": "As in rates.csv.",
        "weighting": "people or comparisons.",
        "group": "The group whose rate is counted from.",
        "reference": "The group whose rate is taken off; the rows are those of differentials.csv.",
        "rate": "Of the group, as in rates.csv.",
        "reference_rate": "Of the reference.",
        "difference": "rate - reference_rate: how many more per comparison; negative where the group has fewer errors.",
        "low": "Lower limit, for this row alone.",
        "high": "Upper limit.",
        "interval": "The method's name and level; empty where no interval is printed.",
        "note": "Why something is empty or to be read with care. The interval excludes label error.",
    },
    "references.csv": {
        "operating_point": "Id of the headline threshold.",
        "measure": "As in rates.csv.",
        "weighting": "people or comparisons.",
        "group": "The group whose rate stands above the line.",
        "reference": "Another cell with enough people, in place of the configured reference.",
        "ratio": "rate of group / rate of reference; empty where undefined.",
        "low": "Lower limit.",
        "high": "Upper limit.",
        "interval": "The method's name and level.",
        "certainty": "clear difference, likely difference, no difference larger than k, or too uncertain to say.",
        "note": "Why something is empty or to be read with care. The interval excludes label error.",
    },
    "operating_points.csv": {
        "operating_point": "Id.",
        "protocol": "vendor_default, fixed, target_fmr, target_fmr_reference or per_group.",
        "weighting": "In which a target was calibrated; empty otherwise.",
        "target": "The false match rate asked for; empty otherwise.",
        "calibrated_on": "The comparisons a target was calibrated on; empty otherwise.",
        "threshold": "In the matcher's own unit.",
        "unit": "The matcher's own word for that number.",
        "score_threshold": "The same as a score, larger = more alike.",
        "achieved_people": "FMR over all labelled people (or the calibration set of a target), people weighting.",
        "achieved_comparisons": "The same in comparisons weighting.",
    },
    "quality.csv": {
        "group": "As in rates.csv.",
        "measure": "A simple measure of image quality: the matcher's own of the face, or photo_... of the whole photograph.",
        "people": "People whose photos were measured; each counts once, with the mean of their photos.",
        "mean": "Mean over people, in the measure's own unit.",
        "median": "Median over people.",
        "reference": "The group compared with; empty where there is none.",
        "standardised_difference": "Mean of group less mean of reference, in typical spreads of people.",
        "low": "Lower limit of that difference.",
        "high": "Upper limit.",
        "after_matching": "What is left of the difference where people are weighted as in quality_matched.csv, all measures at once.",
        "note": "Why something is empty.",
    },
    "quality_matched.csv": {
        "operating_point": "Id of the threshold.",
        "measure": "FMR or FNMR.",
        "weighting": "people.",
        "group": "The group whose rate stands above the line.",
        "reference": "The group whose rate stands below the line.",
        "matched_on": "Measures of image quality at which the groups were made alike.",
        "people": "People of the group in quality strata that the reference has too.",
        "reference_people": "People of the reference in strata that the group has too.",
        "share_matched": "The same as a share of the group's people.",
        "reference_share_matched": "The same as a share of the reference's people.",
        "effective_people": "How many equally weighted people the weighted ones amount to.",
        "ratio_before": "Ratio without matching.",
        "low_before": "Lower limit.",
        "high_before": "Upper limit.",
        "ratio": "Ratio after matching: an association, not a cause.",
        "low": "Lower limit.",
        "high": "Upper limit.",
        "interval": "The method's name and level.",
        "outcome": "remains after matching, too uncertain to say after matching, or empty where there was no clear gap or too few people.",
        "note": "Why something is empty or to be read with care.",
    },
    "non_mated_shift.csv": {
        "group": "As in rates.csv.",
        "reference": "The group compared with.",
        "subjects": "People of the group, one photo each.",
        "reference_subjects": "People of the reference, one photo each.",
        "mean": "Mean score of pairs of different people; larger = more alike, also where the matcher gives distances.",
        "reference_mean": "Of the reference's pairs.",
        "standardised_difference": "Mean less reference mean, in typical spreads: how much more alike the group's people look to the matcher.",
        "difference_low": "Lower limit.",
        "difference_high": "Upper limit.",
        "ks_distance": "Kolmogorov-Smirnov: largest distance between the two distribution functions.",
        "ks_low": "Lower limit.",
        "ks_high": "Upper limit.",
        "at_score": "The score at which they lie that far apart.",
        "interval": "The method's name and level.",
        "note": "Why something is empty or drawn from.",
    },
    "distributions.csv": {
        "kind": "mated or non-mated comparisons.",
        "weighting": "people or comparisons.",
        "group": "As in rates.csv.",
        "reference": "The group compared with.",
        "comparisons": "Comparisons within the group.",
        "subjects": "People who have such comparisons.",
        "mean": "Mean score; larger = more alike, also where the matcher gives distances.",
        "standard_deviation": "Of the scores.",
        "reference_mean": "Of the reference's scores.",
        "reference_standard_deviation": "Of the reference's scores.",
        "standardised_difference": "Mean less reference mean, in typical spreads.",
        "ks_distance": "Kolmogorov-Smirnov: largest distance between the two distribution functions.",
        "low": "Lower limit of the distance.",
        "high": "Upper limit.",
        "interval": "The method's name and level; empty where no interval is printed.",
        "note": "What the distance was taken over, or why something is empty.",
    },
    "refused.csv": {
        "what": "What an audit of outputs alone cannot say.",
        "why": "Why it does not follow from the file.",
        "needs": "What would be needed to say it.",
    },
    "pair_counts.csv": {
        "operating_point": "Id; curve:... are rungs of the curves, best_threshold:CELL is one cell's own best threshold.",
        "score_threshold": "As a score, larger = more alike.",
        "group": "Finest cell, or unlabelled.",
        "other_group": "The other cell of a pair across groups; empty within a group.",
        "mated": "1: pairs of one person; 0: of two.",
        "errors": "Non-mated pairs that match, mated pairs that do not.",
        "trials": "Pairs in the file.",
    },
    "decided.csv": {
        "group": "Cell or coarser group.",
        "pairs": "Labelled pairs of both kinds inside it.",
        "threshold": "The one that decides most labelled pairs of the file rightly, in the matcher's own unit; chosen on these very pairs.",
        "share_right": "Share of the group's pairs decided rightly there.",
        "own_threshold": "The same, chosen on the group's own pairs.",
        "own_share_right": "Share decided rightly there.",
    },
    "search_counts.csv": {
        "operating_point": "Id.",
        "measure": "FPIR (non-mated searches) or FNIR (mated searches).",
        "group": "Finest cell of the person searched for, or unlabelled.",
        "searches": "Searches of one person; 1 where the file does not say who is searched for.",
        "errors": "How many of them went wrong.",
        "people": "People with just so many searches and errors; searches where people are not known.",
    },
    "selectivity.csv": {
        "operating_point": "Id.",
        "group": "Of the person searched for.",
        "searches": "Non-mated searches.",
        "candidates": "Candidates returned at or above the threshold.",
        "selectivity": "Candidates per search (SEL); empty where full lists may have cut some off.",
        "note": "Why it is empty.",
    },
    "false_candidates.csv": {
        "operating_point": "Id.",
        "group": "Of the person searched for, who is not in the gallery.",
        "candidate_group": "Of the candidate.",
        "candidates": "How many were returned at or above the threshold.",
    },
    "acquisition.csv": {
        "group": "Cell, or unlabelled.",
        "subjects": "People in the cell.",
        "subjects_with_two": "People with two or more acquired samples, who alone can be missed.",
        "samples": "Samples attempted.",
        "acquired": "Samples with a template.",
        "unreadable": "Files that are not a whole picture.",
        "no_face": "Pictures in which the matcher found no face.",
        "many_faces": "Pictures refused because of several faces.",
        "error": "Pictures on which the matcher failed otherwise.",
        "missing": "Samples whose file is not there; not attempted, so in no other column of samples, as the next two.",
        "duplicates": "Samples left out because the very same file or template is there once more for the same person.",
        "conflicting": "Samples left out because the very same file or template stands under several people.",
    },
    "curves.csv": {
        "group": "As in rates.csv.",
        "weighting": "people or comparisons.",
        "threshold": "In the matcher's own unit.",
        "score_threshold": "The same as a score, larger = more alike; one row per group, weighting and threshold, loosest first.",
        "FMR": "Wrong person rate inside the group at this threshold.",
        "FMR_low": "Its lower limit.",
        "FMR_high": "Its upper limit.",
        "FMR_errors": "False matches.",
        "FNMR": "Missed person rate of the group at this threshold.",
        "FNMR_low": "Its lower limit; empty by comparisons, where no interval holds.",
        "FNMR_high": "Its upper limit.",
        "FNMR_errors": "Mated comparisons that did not match.",
        "subjects": "People who contribute to FMR.",
        "subjects_with_two": "People who contribute to FNMR.",
        "note": "Why a limit is empty.",
    },
    "power.csv": {
        "operating_point": "Id of the threshold.",
        "measure": "FMR or FNMR.",
        "weighting": "people.",
        "group": "As in differentials.csv.",
        "reference": "As in differentials.csv.",
        "errors": "Errors seen in the group.",
        "expected_errors": "What the group would show at the reference's rate.",
        "design_effect": "Variance over that of independent pairs of people (or people).",
        "detectable_ratio": "The smallest ratio seen with 80 % power; empty where none would be.",
        "note": "Why something is empty.",
    },
    "label_sensitivity.csv": {
        "operating_point": "Id of the threshold.",
        "measure": "FMR or FNMR.",
        "weighting": "people.",
        "group": "As in differentials.csv.",
        "reference": "As in differentials.csv.",
        "label_source": "The label columns behind the ratio; the headline's are first.",
        "subjects": "People of the group under that source; empty for the headline.",
        "ratio": "rate of group / rate of reference under that source; empty where undefined.",
        "low": "Lower limit.",
        "high": "Upper limit.",
        "note": "Why something is empty or to be read with care.",
    },
    "summaries.csv": {
        "operating_point": "Id of the threshold.",
        "measure": "FMR, FNMR, or 'FMR and FNMR' for the combined measures.",
        "weighting": "people or comparisons.",
        "grouping": "Which groups are summarised: the attributes that name them, e.g. race|sex or sex.",
        "summary": "Its id; formulas collide in the literature, so the id is given beside every value.",
        "groups": "Groups with enough people that take part.",
        "value": "The summary; 'at least' where a group has no errors, said in note.",
        "low": "Lower limit of the interval; empty where a group's rate has none, as FNMR by comparisons.",
        "high": "Upper limit.",
        "null_low": "Lower end of what equal groups of these people would show by chance.",
        "null_high": "Upper end of it: a value inside the band shows nothing.",
        "null_p": "Share of draws of equal groups at least as unequal as the value.",
        "homogeneity_p": "p-value of Welch's F on the logarithms of the rates; empty for the combined measures.",
        "note": "Groups left out, and why something is empty.",
    },
    "most_photographed.csv": {
        "group": "As in rates.csv.",
        "subjects": "People with at least one acquired sample (or comparison).",
        "non_mated": "Comparisons of two different people inside the group.",
        "share_of_non_mated": "Share of them in which one of the ten people with most comparisons takes part.",
        "mated": "Comparisons of one person.",
        "share_of_mated": "Share of them that the ten people with most hold.",
        "note": "Why a share says little.",
    },
    "equity.csv": {
        "operating_point": "Id of the threshold.",
        "weighting": "people or comparisons: of all three numbers of the row.",
        "score_threshold": "As a score, larger = more alike.",
        "grouping": "As in summaries.csv.",
        "groups": "Groups that take part.",
        "inequity": "Highest group FMR over the geometric mean of the groups' FMR.",
        "FMR": "Over all labelled people.",
        "FNMR": "Over all labelled people: the accuracy that equity must be seen against.",
        "best": "True where no other operating point has both smaller inequity and smaller FNMR, in this weighting and grouping.",
        "note": "Why something is empty or a bound.",
    },
    "label_error.csv": {
        "operating_point": "Id of the threshold.",
        "weighting": "people or comparisons.",
        "group": "As in differentials.csv.",
        "reference": "As in differentials.csv.",
        "label_error": "The share of each group's people that is taken to be mislabelled (from the config).",
        "ratio": "As in differentials.csv.",
        "low": "Least ratio over no error and that much error in either direction; chance is not in it.",
        "high": "Greatest such ratio; empty where there is no upper end.",
        "note": "Why something is empty.",
    },
    "photo_quality.csv": {
        "group": "Group.",
        "measure": "What was measured of each photo; a person's value is the mean over their photos.",
        "people": "People with the measure.",
        "mean": "Mean over people, in the measure's own unit.",
        "median": "Median over people.",
        "variance": "Mean square about the mean.",
        "third": "Mean third power about the mean.",
        "fourth": "Mean fourth power about the mean.",
        "matched_shift": "Mean minus the reference's that is left where people are weighted to equal quality strata; empty without a reference.",
    },
    "review.csv": {
        "review": "Number of the pair; the order is random and says nothing.",
        "kind": "mated (one person's photos, least alike) or non-mated (two people's photos, most alike).",
        "subject_a": "Opaque number of a person.",
        "photo_a": "Which of that person's photos, counted from 1.",
        "subject_b": "Opaque number of the other person, or the same.",
        "photo_b": "Which of that person's photos, counted from 1.",
        "score": "Comparison score, larger = more alike.",
        "judged": "What a person who looked decided; empty where nobody did.",
    },
    "overrides.csv": {
        "overrides": "without (the benchmark as handed out) or with the corrections of the override file.",
        "operating_point": "Id of the threshold.",
        "score_threshold": "As a score, larger = more alike; a target is set anew with the corrections, so it may differ.",
        "measure": "FMR or FNMR.",
        "weighting": "people or comparisons.",
        "group": "As in rates.csv.",
        "errors": "As in rates.csv.",
        "trials": "As in rates.csv.",
        "subjects": "As in rates.csv.",
        "rate": "As in rates.csv.",
        "low": "As in rates.csv.",
        "high": "As in rates.csv.",
        "reference": "As in differentials.csv.",
        "ratio": "As in differentials.csv.",
        "ratio_low": "Lower limit of the ratio.",
        "ratio_high": "Upper limit of the ratio.",
    },
}


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

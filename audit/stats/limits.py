"""The printed limits of a rate whose trials share people: one rule for FMR in both weightings and for FNMR.

In: a rate and ``Evidence`` about it. Out: ``Interval``. Its one idea: a rate and its estimated variance err together.
Where the rate came out too high the variance is too large as well, and needs no heavy quantile below; where it came
out too low the clustering has not shown yet, and the upper limit needs all the help there is.

METRICS 3 takes one t quantile on both sides (z where errors are few). Measured in 2,000 worlds a row
(results/validation): its upper limit misses .04 to .13 at 1 to 3 effective errors, its lower limit .005 to .010.
Guards on both sides brought everything above .93, but to .99 and more. So:

* below: Wilson with V and t of ``LOWER * tails`` degrees of freedom, nearly z; Clopper-Pearson's limit on the
  effective errors seen where these are fewer than four (Korn & Graubard 1998), because Wilson's lower limit of one
  error covers .84 to .92 at its worst.
* above: Wilson with V moved towards ``crowded`` by min(1, FEW/errors), and t with as many degrees of freedom as
  independent errors were seen, p²(1-p)/``crowded``, at most ``tails`` - 1 and one for ten people, at least
  ``LEAST_DF``. No switch: the guard fades as errors are seen. Where nothing can be crowded (people miss independently
  of each other), ``tails`` - 1.
* unseen kinds: one person in 66 who is mistaken forty times as often is missing from three of ten draws of 80 people,
  and then nothing hints at it. So the upper limit is at least the rate with such a kind added: as many of it as are
  missing from a share ``MISSED`` (1 - confidence) of draws of so many people, each mistaken ``TIMES`` as often, up to
  ``MOST``. It binds where people are few and look alike (80 people: 2.8 times the rate, 300: 1.5, 3,000: 1.05). Half
  of the error that the upper limit then no longer spends goes to the lower one, so that the two stay near 5 %
  together. In a ratio or a difference the kind counts only as far as the other side shows one
  (``ratios.limited_pair``).

``tails`` = (Σx)²/Σx² over the people's squared residuals x: how many people the spread comes from (METRICS' own df is
tails - 1).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from scipy.special import ndtr

from audit.stats.intervals import FEWER, Interval, clopper_pearson_low, normal_quantile, t_quantile, wilson

__all__ = [
    "FEW",
    "LEAST_DF",
    "LOWER",
    "MISSED",
    "MISSED_IN_ONE",
    "NO_UNSEEN",
    "MOST",
    "TIMES",
    "UNSEEN",
    "Evidence",
    "Unseen",
    "printed_limits",
    "with_unseen",
]

FEW = 12.0
"""Effective errors seen, below which the upper limit takes ``crowded`` whole; twice as many, half of it. Chosen by the
coverage study."""

LEAST_DF = 2.0
"""Least degrees of freedom above, as in METRICS."""

LOWER = 10.0
"""Degrees of freedom below, in units of ``tails``: with one effective error z misses .03 to .05 there, 3 misses .017.
Chosen by the study."""


PEOPLE_PER_DF = 10.0
"""People per degree of freedom above. Where people come in kinds (look-alikes) and rates are high, the estimate and
its variance err together in a way that Wilson's asymmetry does not know: of 80 and 40 people .90 to .91 were covered,
all missing above; now .94. Chosen by the coverage study."""


TIMES = 40.0
"""How much more often than the rest a kind of person that was not met may be mistaken. In the committed runs the one
person most mistaken had 2 to 48 times the mean of his group (48: LFW, white men, FMR 1 in 10,000), the top 1.5 % of
people together 2 to 18 times."""

MOST = 0.5
"""Highest rate such a kind may have."""

MISSED = 3.0
"""Share of draws, in units of 1 - confidence, from which such a kind may be missing: 15 of 100 at 95 %."""

MISSED_IN_ONE = 2.0
"""The same for a ratio or a difference, which an unseen kind moves only where the other side met it; how often it is
mistaken is then seen there."""


SHARED = 0.5
"""Share of what the upper limit no longer spends that the lower one may."""


class Evidence(NamedTuple):
    """What is known about a rate's error.

    Attributes
    ----------
    variance : float
        V > 0, clustered.
    crowded : float
        The larger variance that few errors cannot rule out; ``variance`` where there is none.
    tails : float
        How many people the spread between people comes from, >= 1.
    errors : float
        Effective errors seen: (Σe)²/Σe² over the units of independence nearest to a single error (dyads, people).
    most_df : float
        Degrees of freedom that the people themselves allow, on both sides.
    least_df : float
        Least degrees of freedom above.
    people : float
        People in the group, where what one person adds is estimated from the same people (dyads); infinite elsewhere.
    met : float
        People among whom a kind would be met, where rates are of pairs of people; infinite elsewhere.
    top : float
        Rate of the person most mistaken.
    """

    variance: float
    crowded: float
    tails: float
    errors: float
    most_df: float = math.inf
    least_df: float = LEAST_DF
    people: float = math.inf
    met: float = math.inf
    top: float = MOST

    @property
    def likely(self) -> float:
        """V moved towards ``crowded``, the further the fewer errors were seen."""
        return self.variance + min(1.0, FEW / self.errors) * max(0.0, self.crowded - self.variance)


class Unseen(NamedTuple):
    """What is allowed for a kind of person that was not met: its highest rate, and from what share of draws it is
    missing.
    """

    most: float = MOST
    missed: float = MISSED


UNSEEN = Unseen()
"""As a rate alone is printed."""

NO_UNSEEN = Unseen(0.0)
"""Kinds of people that were met, alone."""


def with_unseen(rate: float, met: float, confidence: float = 0.95, unseen: Unseen = UNSEEN) -> float:
    """The rate over pairs of people were there a kind of person among them of whom none is among ``met`` people; see
    the module's text.

    The kind's share s has (1-s)^met = ``missed`` (1 - confidence); a pair holds one of them with chance 1 - (1-s)².
    """
    pairs = -math.expm1(2 * math.log(min(1.0, unseen.missed * (1 - confidence))) / met)
    return rate + max(0.0, min(MOST, unseen.most, TIMES * rate) - rate) * pairs


def printed_limits(
    rate: float, evidence: Evidence, confidence: float = 0.95, method: str = "Wilson t", *, unseen: Unseen = UNSEEN
) -> Interval:
    """Limits of ``rate`` (0 < rate < 1); see the module's text.

    ``method`` gains ", few errors" where fewer than ``FEW`` errors are effective.
    """
    spread = rate * (1 - rate)
    variance = evidence.likely
    seen = evidence.tails - 1
    if evidence.crowded > evidence.variance:
        seen = min(seen, rate * spread / evidence.crowded)
    if math.isfinite(evidence.people):  # residuals about an estimated rate, of people who are in each other's: n - 2
        seen = min(seen, evidence.people / PEOPLE_PER_DF)
        variance *= evidence.people / max(1.0, evidence.people - 2)
    seen = max(evidence.least_df, seen)
    above = t_quantile(max(1.0, min(seen, evidence.most_df)), confidence)
    high, most = (
        wilson(rate, spread / variance, quantile=above).high,
        with_unseen(rate, evidence.met, confidence, unseen),
    )
    spared = 0.0
    if most > high:
        reach = normal_quantile(confidence) * math.log(most / rate) / math.log(high / rate)
        spared, high, method = (1 - confidence) / 2 - float(ndtr(-reach)), most, f"{method}, unseen kinds"
    spent = confidence - SHARED * 2 * spared  # two-sided confidence whose one tail is the lower limit's
    below = t_quantile(max(1.0, min(LOWER * evidence.tails, evidence.most_df)), spent)
    low = wilson(rate, spread / evidence.variance, quantile=below).low
    if evidence.errors < FEWER:
        low = min(low, clopper_pearson_low(rate, evidence.errors / rate, spent))
    return Interval(low, high, f"{method}, few errors" if evidence.errors < FEW else method)

"""Searches of galleries end to end: against galleries really drawn, from counts that survive renumbering, writing,
reading and forgery."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from audit.backends.protocol import ScoreRule
from audit.base.errors import ConfigError, ResultsError
from audit.base.mixes import gallery_sizes, headline_size, mix_of, target_size
from audit.comparisons import OperatingPointRequest, compare, scores_of
from audit.config.identification import IdentificationConfig
from audit.embeddings.embedding_set import EmbeddingSet
from audit.observations.count import tally
from audit.observations.search_counts import SearchCounts, renumbered_searches, sound_searches
from audit.observations.searches import count_searches
from audit.observations.tallies import Labelling, Tallies
from audit.rates.galleries import galleries
from audit.rates.search_lists import search_hubs, search_lists
from audit.rates.search_ratios import search_ratios
from audit.rates.search_thresholds import search_thresholds
from audit.rates.search_use import search_use
from audit.rates.searching import Searching
from audit.results.arrays import searches, searches_of

RULE = ScoreRule("cosine", "similarity", -1.0, 1.0)
CELLS = ("sex=Female", "sex=Male", "unlabelled")
POINTS = [
    OperatingPointRequest("loose", "fixed", threshold=0.5),
    OperatingPointRequest("strict", "fixed", threshold=0.75),
]
ASKED = IdentificationConfig(
    enrolments=3,
    sizes=(12,),
    doors=(),
    mixes=("natural", "equal", "women"),
    quotas={"women": {"sex=Female": 0.75, "sex=Male": 0.25}},
    target_fpir=(0.2,),
    target_gallery=12,
    list_length=3,
)


def world(
    seed: int = 0, people: int = 60, asked: IdentificationConfig = ASKED, failed: int = 0
) -> tuple[EmbeddingSet, SearchCounts, Tallies]:
    rng = np.random.default_rng(seed)
    photos = rng.integers(1, 4, people)
    subject = np.repeat(np.arange(people), photos)
    vectors = (rng.standard_normal((people, 8)))[subject] + 0.5 * rng.standard_normal((len(subject), 8))
    cell = rng.choice(3, people, p=[0.45, 0.45, 0.1])
    embeddings = EmbeddingSet.from_arrays(vectors.astype(np.float32), subject, cell[subject], RULE, names=CELLS)
    ladder = [
        OperatingPointRequest(f"curve:{rate}", "target_fmr", target=rate, weighting="people") for rate in (0.05, 0.02)
    ]
    got = compare(embeddings, operating_points=[*POINTS, *ladder])
    counts = count_searches(embeddings, got.operating_points, asked, seed=5)
    attempted = (photos + failed).astype(np.int32)
    tallies = tally(got, embeddings, attempted, (Labelling("headline", CELLS, cell.astype(np.int16)),))
    return embeddings, counts, tallies


def table_of(counts: SearchCounts, tallies: Tallies, asked: IdentificationConfig = ASKED, **more: int) -> pd.DataFrame:
    return galleries(Searching(counts, tallies), asked, **more)


def value(
    table: pd.DataFrame,
    point: str,
    measure: str,
    size: int,
    group: str,
    mix: str = "natural",
    weighting: str = "people",
) -> float:
    row = table[
        (table.operating_point == point)
        & (table.measure == measure)
        & (table.gallery == size)
        & (table.group == group)
    ]
    row = row[(row.mix == mix) & (row.weighting == weighting)]
    assert len(row) == 1
    return float(row["rate"].iloc[0])


def references(embeddings: EmbeddingSet, e: int) -> dict[int, int]:
    """Who is enrolled with which photo, as documented: default_rng([seed, 1, e]) draws one photo of each labelled
    person in turn."""
    labelled = np.flatnonzero(embeddings.labelled[embeddings.cell])
    people, first, photos = np.unique(embeddings.subject[labelled], return_index=True, return_counts=True)
    return dict(
        zip(
            people.tolist(),
            labelled[first + np.random.default_rng([5, 1, e]).integers(0, photos)].tolist(),
            strict=True,
        )
    )


def all_scores(embeddings: EmbeddingSet) -> np.ndarray:
    scores = np.full((len(embeddings), len(embeddings)), -9.0)
    i, j = np.nonzero(~np.eye(len(embeddings), dtype=bool))
    scores[i, j] = scores_of(embeddings, i, j)
    return scores


@pytest.mark.parametrize(
    ("point", "mix"), [("loose", "natural"), ("strict", "natural"), ("loose", "women"), ("loose", "equal")]
)
def test_rates_are_those_of_galleries_really_drawn(point: str, mix: str) -> None:
    embeddings, counts, tallies = world()
    size, threshold = 12, {"loose": 0.5, "strict": 0.75}[point]
    table = table_of(counts, tallies)
    who = np.unique(embeddings.subject[embeddings.labelled[embeddings.cell]])
    sex = {p: int(embeddings.cell[embeddings.subject == p][0]) for p in who.tolist()}
    rng, scores = np.random.default_rng(1), all_scores(embeddings)
    women = [p for p in who.tolist() if sex[p] == 0]
    quota = {"natural": None, "women": (9, 3), "equal": (6, 6)}[mix]

    def draw(person: int, mated: bool) -> np.ndarray:
        """One gallery without the person, or its other people where the person is in it."""
        others = np.array([p for p in who.tolist() if p != person])
        if quota is None:
            return rng.permutation(others)[: size - mated]
        parts = [others[[sex[p] == g for p in others]] for g in (0, 1)]
        return np.concatenate(
            [
                rng.permutation(part)[: n - (mated and g == 0)]
                for g, (part, n) in enumerate(zip(parts, quota, strict=True))
            ]
        )

    found: dict[str, dict[int, list[float]]] = {
        name: {p: [] for p in women} for name in ("FPIR", "SEL", "FNIR", "wrong_name")
    }
    for e in range(3):
        reference = references(embeddings, e)
        for person in women:
            for probe in np.flatnonzero(embeddings.subject == person):
                seen = np.array([scores[probe, [reference[p] for p in draw(person, False)]] for _ in range(100)])
                found["FPIR"][person].append(float((seen >= threshold).any(axis=1).mean()))
                found["SEL"][person].append(float((seen >= threshold).sum(axis=1).mean()))
                if reference[person] != probe:
                    own = scores[probe, reference[person]]
                    seen = np.array([scores[probe, [reference[p] for p in draw(person, True)]] for _ in range(100)])
                    found["FNIR"][person].append(float(((own < threshold) | (seen >= own).any(axis=1)).mean()))
                    found["wrong_name"][person].append(float((seen >= max(own, threshold)).any(axis=1).mean()))
    for name, by_person in found.items():
        if name == "wrong_name" and mix != "natural":
            continue
        drawn = np.mean([np.mean(one) for one in by_person.values() if one])
        # Some 27 women, two photos each, three enrolments, 150 galleries: standard error below .004 (of SEL, .01).
        assert value(table, point, name, size, "sex=Female", mix) == pytest.approx(
            drawn, abs=0.04 if name == "SEL" else 0.015
        ), name


def test_one_threshold_for_a_share_of_searches_is_the_smallest_observed_score_that_has_it() -> None:
    embeddings, counts, tallies = world()
    searching = Searching(counts, tallies)
    row = search_thresholds(searching, ASKED, lambda score: score, "score").iloc[0]
    scores, people = all_scores(embeddings), np.unique(embeddings.subject[embeddings.labelled[embeddings.cell]])

    def fpir(threshold: float) -> float:
        # 1 - C(M-K, 12) / C(M, 12), probe by probe.
        total = []
        for e in range(3):
            reference = references(embeddings, e)
            for person in people.tolist():
                others, each = [reference[p] for p in people.tolist() if p != person], []
                for probe in np.flatnonzero(embeddings.subject == person):
                    K, none = int((scores[probe, others] >= threshold).sum()), 1.0
                    for t in range(12):
                        none *= max(len(others) - K - t, 0) / (len(others) - t)
                    each.append(1 - none)
                total.append(float(np.mean(each)))
        return float(np.mean(total))

    assert row.operating_point == "fpir=0.2:12:natural"
    assert fpir(row.score_threshold) <= 0.2
    assert row.fpir == pytest.approx(fpir(row.score_threshold), rel=1e-12)
    labelled = np.flatnonzero(embeddings.labelled[embeddings.cell])
    met = [
        scores[
            labelled[embeddings.subject[labelled] != p], references(embeddings, e)[p]
        ]  # everybody else's photos against the enrolled one
        for e in range(3)
        for p in people.tolist()
    ]
    observed = np.unique(np.concatenate(met))
    place = int(np.searchsorted(observed, row.score_threshold))
    assert observed[place] == row.score_threshold
    assert fpir(observed[place - 1]) > 0.2


def test_both_weightings_failures_and_lists_are_those_of_plain_loops() -> None:
    _, counts, tallies = world(failed=1)
    table, searching = table_of(counts, tallies), Searching(counts, tallies)
    mix = mix_of("natural", {}, CELLS)
    gallery = searching.gallery(mix, 12)
    assert gallery is not None
    M = int(searching.enrolled.sum()) - 1
    women = np.flatnonzero(tallies.labellings[0].cell == 0)

    def none(K: int, N: int, M: int = M) -> float:
        out = 1.0
        for t in range(N):
            out *= max(M - K - t, 0) / (M - t)
        return out

    by_photo, by_person, failed, missed, both = [], [], [], [], []
    for e in range(3):
        for person in women.tolist():
            mine, fnir = [], []
            for probe in np.flatnonzero(counts.person == person).tolist():
                K = int(((counts.enrolment == e) & (counts.probe == probe) & (counts.level >= 1)).sum())
                mine.append(1 - none(K, 12))
                if counts.mate_level[e, probe] >= 0:
                    fnir.append(
                        1.0 if counts.mate_level[e, probe] < 1 else 1 - none(int(counts.above[e, probe].sum()), 11)
                    )
            by_photo += mine
            by_person.append(np.mean(mine))
            n, a = int(tallies.attempted[person]), int(tallies.acquired[person])
            failed.append(np.mean(mine) * a / n)  # a photo without a template returns nobody
            if a >= 2:
                missed.append(np.mean(fnir))
            both.append(1 - a * (a - 1) / (n * (n - 1)) * (1 - (np.mean(fnir) if a >= 2 else 1.0)))
    assert value(table, "loose", "FPIR", 12, "sex=Female") == pytest.approx(np.mean(by_person), rel=1e-12)
    assert value(table, "loose", "FPIR", 12, "sex=Female", weighting="comparisons") == pytest.approx(
        np.mean(by_photo), rel=1e-12
    )
    assert value(table, "loose", "FPIR_with_failures", 12, "sex=Female") == pytest.approx(np.mean(failed), rel=1e-12)
    assert value(table, "loose", "FNIR", 12, "sex=Female") == pytest.approx(np.mean(missed), rel=1e-12)
    assert value(table, "loose", "FNIR_with_failures", 12, "sex=Female") == pytest.approx(np.mean(both), rel=1e-12)
    # Fixed list of 3: at most two of those above are among the 11 others drawn; closed set: none is.
    first, listed = [], []
    for e in range(3):
        for person in women[tallies.acquired[women] >= 2].tolist():
            probes = [p for p in np.flatnonzero(counts.person == person).tolist() if counts.mate_level[e, p] >= 0]
            above = [int(counts.above[e, p].sum()) for p in probes]
            first.append(np.mean([none(K, 11) for K in above]))
            inside = [sum(_drawn(M, K, 11, x) for x in range(3)) for K in above]
            listed.append(1 - np.mean(inside))
    assert value(table, "", "rank_1_closed_set", 12, "sex=Female") == pytest.approx(np.mean(first), rel=1e-12)
    assert value(table, "", "FNIR_fixed_list", 12, "sex=Female") == pytest.approx(np.mean(listed), rel=1e-10)


def _drawn(M: int, K: int, n: int, x: int) -> float:
    from math import comb

    return comb(K, x) * comb(M - K, n - x) / comb(M, n)


def test_every_photo_enrolled_counts_people_reached_by_any_photo_and_never_the_photo_itself() -> None:
    asked = ASKED.model_copy(update={"enrolment": "all"})
    embeddings, counts, tallies = world(asked=asked)
    assert len(counts.mate_level) == 1
    scores, table = all_scores(embeddings), table_of(counts, tallies, asked)
    people = np.unique(embeddings.subject[embeddings.labelled[embeddings.cell]])
    each = []
    for person in people.tolist():
        mine = []
        for probe in np.flatnonzero(embeddings.subject == person):
            K = sum(
                bool((scores[probe, embeddings.subject == p] >= 0.5).any()) for p in people.tolist() if p != person
            )
            none = 1.0
            for t in range(12):
                none *= max(len(people) - 1 - K - t, 0) / (len(people) - 1 - t)
            mine.append(1 - none)
        each.append(np.mean(mine))
    assert value(table, "loose", "FPIR", 12, "all labelled") == pytest.approx(np.mean(each), rel=1e-12)
    single = tallies.acquired[counts.person] == 1
    assert (counts.mate_level[0][single] == -1).all()
    assert (counts.mate_level[0][~single] >= 0).all()


def test_who_stands_on_lists_and_who_causes_them() -> None:
    _, counts, tallies = world()
    searching, cell = Searching(counts, tallies), tallies.labellings[0].cell
    lists, hubs = search_lists(searching), search_hubs(searching)
    here = counts.level >= 1
    photos = np.bincount(counts.person, minlength=len(cell))
    weight = 1 / photos[counts.person[counts.probe[here]]]
    women, same = cell[counts.person[counts.probe[here]]] == 0, cell[counts.other[here]] == 0
    row = lists[(lists.operating_point == "loose") & (lists.group == "sex=Female")].set_index("candidate_group")
    assert row.share["own group"] == pytest.approx(weight[women & same].sum() / weight[women].sum(), rel=1e-12)
    assert row.share["sex=Female"] + row.share["sex=Male"] == pytest.approx(1.0, rel=1e-12)
    enrolled = np.bincount(cell[searching.enrolled])
    assert row.gallery_share["own group"] == pytest.approx((enrolled[0] - 1) / (enrolled.sum() - 1), rel=1e-12)
    reached = np.sort(
        np.bincount(
            counts.probe[here] + counts.enrolment[here].astype(int) * len(counts.person),
            minlength=3 * len(counts.person),
        )
    )
    top = hubs[(hubs.operating_point == "loose") & (hubs.group == "all labelled")].iloc[0]
    assert top.top_searches == pytest.approx(
        reached[-int(np.ceil(len(reached) / 100)) :].sum() / reached.sum(), rel=1e-12
    )
    assert top.most == reached[-1]


def test_the_readers_use_is_a_weighted_sum_and_without_a_share_a_table_over_several() -> None:
    _, counts, tallies = world()
    asked = ASKED.model_copy(update={"use": ASKED.use.model_copy(update={"gallery": 12, "searches_a_year": 5000})})
    table, people = table_of(counts, tallies, asked), int(Searching(counts, tallies).enrolled.sum())
    use = search_use(table, people, asked, 0.25)
    row = use[(use.operating_point == "strict") & (use.group == "sex=Male")].iloc[0]
    wrong, name, missed = (
        value(table, "strict", measure, 12, "sex=Male") for measure in ("FPIR", "wrong_name", "FNIR")
    )
    assert row.wrong_per_1000 == pytest.approx(1000 * (0.75 * wrong + 0.25 * name), rel=1e-12)
    assert row.wrong_a_year == pytest.approx(5 * row.wrong_per_1000, rel=1e-12)
    assert row.right_share == pytest.approx(
        0.25 * (1 - missed) / (0.25 * (1 - missed) + 0.75 * wrong + 0.25 * name), rel=1e-12
    )
    assert sorted(set(search_use(table, people, asked, None).mated_share)) == [0.01, 0.1, 0.5, 0.9]
    far = asked.model_copy(update={"use": asked.use.model_copy(update={"gallery": 10**6})})
    refused = search_use(table, people, far, 0.25)
    assert refused.note.tolist()[0].startswith("no gallery of that size")
    assert refused.wrong_per_1000.isna().all()


def test_limits_hold_the_rate_and_nobody_unlabelled_is_searched_for_or_enrolled() -> None:
    _, counts, tallies = world()
    asked = ASKED.model_copy(update={"sizes": (1, 2, 5, 10, 20, 40)})
    table = table_of(counts, tallies, asked)
    shown = table[(table.interval != "") & (table.measure != "SEL")]
    assert len(shown) > 20
    assert ((shown.low <= shown.rate) & (shown.rate <= shown.high)).all()
    large = table[
        (table.gallery == 40) & (table.weighting == "people") & table.rate.notna() & (table.operating_point != "")
    ]
    assert (large.interval == "").all()
    assert large.note.str.startswith("no interval: the gallery is larger than half").all()
    unlabelled = np.flatnonzero(tallies.labellings[0].cell == 2)
    assert not np.isin(counts.person, unlabelled).any()
    assert not np.isin(counts.other, unlabelled).any()


def test_sizes_that_cannot_be_drawn_are_not_and_sentences_speak_of_at_most_half_of_the_people() -> None:
    assert gallery_sizes(13) == (1, 2, 5, 10)
    assert gallery_sizes(13, [3, 12, 11], [5, 50]) == (3, 5, 11)
    assert headline_size(3000) == 1000
    assert headline_size(1500) == 500
    assert headline_size(13) == 5
    assert headline_size(3, [2]) == 0
    assert target_size(1002, None) == 1000
    assert target_size(1001, None) == 500
    assert target_size(100, 200) == 0


def test_mixes_are_blocks_of_people_and_quotas_that_make_none_are_refused() -> None:
    cells = ("race=A|sex=F", "race=A|sex=M", "race=B|sex=F", "unlabelled")
    booked = mix_of("booked", {"booked": {"race=A": 0.5, "race=B|sex=F": 0.5}}, cells)
    assert booked.block.tolist() == [0, 0, 1, -1]
    assert booked.sizes(7).tolist() == [4, 3]
    assert mix_of("equal", {}, cells).sizes(8).tolist() == [3, 3, 2]
    assert mix_of("natural", {}, cells).sizes(8).tolist() == [8]
    with pytest.raises(ConfigError, match="share|same people|without common"):
        mix_of("x", {"x": {"race=A": 0.5, "sex=F": 0.5}}, cells)
    with pytest.raises(ConfigError, match=r"identification\.quotas\.x"):
        mix_of("x", {"x": {"race=C": 1.0}}, cells)


def test_quotas_above_a_groups_people_give_no_row_and_a_group_left_out_cannot_be_searched_for() -> None:
    asked = ASKED.model_copy(
        update={"mixes": ("natural", "men"), "quotas": {"men": {"sex=Male": 1.0}}, "sizes": (12, 40)}
    )
    _, counts, tallies = world(asked=asked)
    table = table_of(counts, tallies, asked)
    assert 40 in set(table[table.mix == "natural"].gallery)
    assert set(table[table.mix == "men"].gallery) == {12}  # some 27 men
    row = table[(table.mix == "men") & (table.group == "sex=Female") & (table.measure == "FNIR")]
    assert row.note.str.startswith("the mix holds nobody of this group").all()
    assert row.rate.isna().all()
    assert table[(table.mix == "men") & (table.group == "sex=Female") & (table.measure == "FPIR")].rate.notna().all()


def test_one_photo_a_person_gives_no_missed_person_and_says_so() -> None:
    rng = np.random.default_rng(3)
    embeddings = EmbeddingSet.from_arrays(
        rng.standard_normal((40, 6)).astype(np.float32), np.arange(40), np.arange(40) % 2, RULE, names=CELLS
    )
    got = compare(embeddings, operating_points=POINTS)
    asked = ASKED.model_copy(update={"mixes": ("natural",), "quotas": {}})
    counts = count_searches(embeddings, got.operating_points, asked, seed=5)
    labelling = Labelling("headline", CELLS, (np.arange(40) % 2).astype(np.int16))
    table = table_of(counts, tally(got, embeddings, np.ones(40, np.int32), (labelling,)), asked)
    fnir = table[table.measure.isin(["FNIR", "wrong_name", "FNIR_fixed_list", "rank_1_closed_set"])]
    assert len(fnir)
    assert fnir.rate.isna().all()
    assert (fnir.note == "nobody has a second photo to be found by").all()
    assert table[table.measure == "FPIR"].rate.notna().any()


def test_ratios_compare_each_group_with_its_reference_and_say_how_sure() -> None:
    _, counts, tallies = world(people=200)
    ratios = search_ratios(Searching(counts, tallies), ASKED, "sex=Male", minimum=5)
    row = ratios[(ratios.operating_point == "loose") & (ratios.measure == "FPIR") & (ratios.mix == "natural")].iloc[0]
    table = table_of(counts, tallies)
    women, men = (value(table, "loose", "FPIR", 12, f"sex={sex}") for sex in ("Female", "Male"))
    assert row.ratio == pytest.approx(women / men, rel=1e-12)
    assert row.difference == pytest.approx(women - men, abs=1e-12)
    assert row.low < row.ratio < row.high
    assert row.difference_low < row.difference < row.difference_high
    assert row.certainty in {
        "too uncertain to say",
        "likely difference",
        "clear difference",
    } or row.certainty.startswith("no difference")
    few = search_ratios(Searching(counts, tallies), ASKED, "sex=Male", minimum=150)
    assert set(few.certainty) == {"too few people"}
    assert few.ratio.isna().all()


def test_other_numbers_for_the_same_people_give_the_same_table() -> None:
    _, counts, tallies = world()
    number = np.random.default_rng(3).permutation(60)
    back = np.argsort(number)
    cell = tallies.labellings[0].cell[back]
    others = replace(
        tallies,
        attempted=tallies.attempted[back],
        acquired=tallies.acquired[back],
        labellings=(Labelling("headline", CELLS, cell),),
    )
    one, two = table_of(counts, tallies), table_of(renumbered_searches(counts, number), others)
    for column in one.columns:
        if one[column].dtype == np.float64:
            np.testing.assert_allclose(one[column], two[column], rtol=1e-9)
        else:
            assert one[column].tolist() == two[column].tolist()


def test_counts_are_written_and_read_back_and_forgeries_refused() -> None:
    _, counts, tallies = world()
    acquired, cell = tallies.acquired.astype(np.int64), tallies.labellings[0].cell
    again = sound_searches(searches_of(searches(counts)), acquired, cell, 3)
    for name in ("thresholds", "person", "mate_level", "above", "enrolment", "probe", "other", "level", "over"):
        assert getattr(again, name).tobytes() == getattr(counts, name).tobytes()
    own = counts.other.copy()
    own[0] = counts.person[counts.probe[0]]
    fewer = counts.above.copy()
    fewer[tuple(np.argwhere((fewer > 0) & (counts.mate_level >= 1)[:, :, None])[0])] -= (
        1  # of a mate whose betters are listed
    )
    forged = [
        replace(counts, level=counts.level + 5),
        replace(counts, probe=counts.probe[::-1]),
        replace(counts, other=np.full_like(counts.other, 99)),
        replace(counts, other=own),
        replace(counts, mate_level=counts.mate_level[:, 1:]),
        replace(counts, above=counts.above - 60),
        replace(counts, above=fewer),
        replace(counts, over=~counts.over),
        replace(counts, thresholds=counts.thresholds[::-1]),
        replace(counts, person=np.zeros_like(counts.person)),
        replace(counts, level=counts.level[1:]),
    ]
    for one in forged:
        with pytest.raises(ResultsError, match=r"searches\.npz"):
            sound_searches(one, acquired, cell, 3)


def test_a_threshold_that_reaches_more_people_than_memory_holds_is_left_out_and_said() -> None:
    embeddings, whole, tallies = world()
    got = compare(embeddings, operating_points=POINTS)
    strict = int((whole.level[whole.thresholds[whole.level - 1] >= 0.75]).astype(bool).sum())
    counts = count_searches(embeddings, got.operating_points, ASKED, seed=5, memory_cap=32 * 2 * strict)
    assert counts.points == ("strict",)
    table = table_of(counts, tallies)
    note = table[table.operating_point == "loose"].note.tolist()
    assert len(note) == 1
    assert note[0].startswith("not searched")
    assert value(table, "strict", "FPIR", 12, "sex=Male") == value(
        table_of(whole, tallies), "strict", "FPIR", 12, "sex=Male"
    )
    row = search_thresholds(Searching(counts, tallies), ASKED, lambda score: score, "score").iloc[0]
    assert row.note.startswith("no threshold of these scores")

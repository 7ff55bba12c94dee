import numpy as np
import pytest
from scipy import stats

from lava_sqs.study import Counts, interval


def test_wilson_solves_its_equation():
    # Wilson: the ends p are where |x/n - p| = z sqrt(p (1 - p) / n).
    found = interval(Counts.of_shots(80, 7), 0.9)
    z = stats.norm.ppf(0.95)
    for p in (found.low, found.high):
        assert abs(7 / 80 - p) == pytest.approx(z * np.sqrt(p * (1 - p) / 80))
    assert found.low < found.estimate < found.high
    assert "80 independent shots" in found.covers


def test_student_is_scipys():
    values = [0.2, 0.5, 0.9, 0.4]
    found = interval(Counts.of_values(values))
    low, high = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high))
    assert "4 seeds" in found.covers


def test_one_value_has_no_spread():
    found = interval(Counts.of_values([0.5]))
    assert found.estimate == 0.5
    assert np.isnan(found.low)
    assert "no spread" in found.covers


def test_over_many_samples_it_is_the_central_limit():
    errors = np.random.default_rng(0).binomial(10, 0.3 * np.repeat([0.5, 1.5], 10_000))
    found = interval(Counts.of_samples(errors, 10))
    half = 1.96 * errors.std(ddof=1) / 10 / np.sqrt(20_000)
    assert found.high - found.estimate == pytest.approx(half, rel=0.01)
    assert found.estimate - found.low == pytest.approx(half, rel=0.01)
    assert "20000 test samples" in found.covers


@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
@pytest.mark.parametrize("seed", range(3))
def test_repeated_samples_solve_wilsons_equation_of_what_they_are_worth(seed, level):
    rng = np.random.default_rng(seed)
    errors = rng.binomial(20, rng.beta(2.0, 6.0, 30))
    found = interval(Counts.of_samples(errors, 20), level)
    share = errors.mean() / 20
    worth = share * (1 - share) / (errors / 20).var()
    assert 2 < worth < 20  # so that Student's quantile holds, and no bound
    q = stats.t.ppf(0.5 + level / 2, 29)
    for p in (found.low, found.high):
        assert abs(share - p) == pytest.approx(q * np.sqrt(p * (1 - p) / (30 * worth)))


@pytest.mark.parametrize("n", [1, 2, 20, 450])
def test_samples_shown_once_are_shots(n):
    for wrong in {0, 1, n // 3, n}:
        once = interval(Counts.of_samples([1] * wrong + [0] * (n - wrong)))
        shots = interval(Counts.of_shots(n, wrong))
        assert (once.low, once.high) == pytest.approx((shots.low, shots.high))


def test_scipys_wilson():
    for shots, errors, level in ((80, 7, 0.9), (1, 1, 0.95), (50, 0, 0.99), (2000, 1999, 0.95)):
        found = interval(Counts.of_shots(shots, errors), level)
        theirs = stats.binomtest(errors, shots).proportion_ci(level, method="wilson")
        assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high))


@pytest.mark.parametrize("n", [2, 5, 60])
def test_samples_that_are_all_alike_are_worth_all_their_shots_and_no_more(n):
    alike = interval(Counts.of_samples([2] * n, 5))
    shots = interval(Counts.of_shots(5 * n, 2 * n))
    assert shots.low >= alike.low >= 0
    assert alike.low < 0.4 < alike.high
    q = stats.t.ppf(0.975, n - 1)
    assert 0.4 - alike.low == pytest.approx(
        q * np.sqrt(alike.low * (1 - alike.low) / (5 * n)), rel=1e-6
    )


def test_one_sample_tells_nothing_of_others():
    # 50 repeats of a single sample: one draw of a sample.
    assert interval(Counts.of_samples([20], 50)).width > 0.7


def test_repeats_do_not_make_samples_more():
    # Every sample always right or always wrong: 100 repeats say no more than one.
    once = [0] * 40 + [1] * 10
    many = [100 * e for e in once]
    a, b = interval(Counts.of_samples(once)), interval(Counts.of_samples(many, 100))
    assert (a.low, a.high) == pytest.approx((b.low, b.high), rel=1e-12)
    naive = interval(Counts.of_shots(5000, 1000))
    assert b.width > 5 * naive.width


def test_no_error_in_any_sample_is_not_certainty():
    found = interval(Counts.of_samples([0] * 50, 20))
    assert found.low == 0
    assert found.high == pytest.approx(interval(Counts.of_shots(50, 0)).high)


@pytest.mark.parametrize("level", [0, 1, -0.5, 95])
def test_level_is_checked(level):
    with pytest.raises(ValueError, match="level"):
        interval(Counts.of_shots(1, 0), level)


def covered(draw, truth, studies, seed):
    rng = np.random.default_rng(seed)
    hits = 0
    for _ in range(studies):
        found = interval(draw(rng))
        hits += found.low <= truth <= found.high
    return hits / studies


def shots(rng):
    return Counts.of_shots(200, int(rng.binomial(200, 0.1)))


def samples(rng):
    # 100 samples of different difficulty, 20 repeats each; the population's error is 0.2.
    return Counts.of_samples(rng.binomial(20, rng.beta(0.5, 2.0, 100)), 20)


def naive(rng):
    each = samples(rng)
    return Counts.of_shots(each.shots, each.errors)


def seeds(rng):
    return Counts.of_values(rng.normal(0.9, 0.02, 5))


def few(rng):
    # The case of 20 samples x 5 repeats.
    return Counts.of_samples(rng.binomial(5, rng.beta(1.0, 4.0, 20)), 5)


def alike(rng):
    return Counts.of_samples(rng.binomial(5, 0.2, 50), 5)


def certain(rng):
    # Each sample is always right or always wrong.
    return Counts.of_samples(10 * (rng.random(60) < 0.2), 10)


SITUATIONS = pytest.mark.parametrize(
    ("draw", "truth"),
    [(shots, 0.1), (samples, 0.2), (few, 0.2), (alike, 0.2), (certain, 0.2), (seeds, 0.9)],
    ids=["shots", "samples", "few", "alike", "certain", "seeds"],
)

# Bounds of a test with a false-alarm rate of 1e-4 on either side: an interval that covers 93.5 %
# or more passes the lower one so often, one that covers 97.5 % or less the upper one. What is
# covered is discrete and not exactly 95 % (measured on 20,000 studies: 94 to 96.5 %).
FALSE_ALARM = 1e-4


def bounds(studies):
    low, high = (
        stats.binom.ppf(FALSE_ALARM, studies, 0.935),
        stats.binom.isf(FALSE_ALARM, studies, 0.975),
    )
    return low / studies, high / studies


@SITUATIONS
def test_every_interval_covers_its_truth_roughly(draw, truth):
    low, high = bounds(400)
    assert low <= covered(draw, truth, 400, seed=1) <= high


@pytest.mark.slow
@SITUATIONS
def test_every_interval_covers_its_truth(draw, truth):
    low, high = bounds(20_000)
    assert 0.928 < low < high < 0.98  # the test has power
    assert low <= covered(draw, truth, 20_000, seed=2) <= high


def test_wilson_over_samples_times_repeats_does_not_cover():
    # Why repeats are not trials.
    low, _ = bounds(400)
    assert covered(naive, 0.2, 400, seed=3) < 0.7 < low

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


def test_bootstrap_over_many_samples_is_the_central_limit():
    errors = np.random.default_rng(0).binomial(10, 0.3, 2000)
    found = interval(Counts.of_samples(errors, 10))
    half = 1.96 * errors.std(ddof=1) / 10 / np.sqrt(2000)
    assert found.high - found.estimate == pytest.approx(half, rel=0.08)
    assert found.estimate - found.low == pytest.approx(half, rel=0.08)
    assert "2000 test samples" in found.covers


def test_bootstrap_of_a_skewed_population_is_bca():
    rng = np.random.default_rng(1)
    errors = rng.binomial(20, rng.beta(0.2, 2.0, 400))
    found = interval(Counts.of_samples(errors, 20))
    bca = stats.bootstrap(
        (errors / 20,), np.mean, n_resamples=20_000, method="BCa", random_state=rng
    ).confidence_interval
    assert found.low == pytest.approx(bca.low, abs=0.03 * found.width)
    assert found.high == pytest.approx(bca.high, abs=0.03 * found.width)
    # Errors are rare and come in heaps: there is more to fear above than below.
    assert found.high - found.estimate > 1.1 * (found.estimate - found.low)


def test_repeats_do_not_make_samples_more():
    # Every sample always right or always wrong: 100 repeats say no more than one.
    once = [0] * 40 + [1] * 10
    many = [100 * e for e in once]
    a, b = interval(Counts.of_samples(once)), interval(Counts.of_samples(many, 100))
    assert (a.low, a.high) == (b.low, b.high)
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


SITUATIONS = pytest.mark.parametrize(
    ("draw", "truth"),
    [(shots, 0.1), (samples, 0.2), (seeds, 0.9)],
    ids=["shots", "samples", "seeds"],
)


@SITUATIONS
def test_every_interval_covers_its_truth_roughly(draw, truth):
    assert 0.91 <= covered(draw, truth, 400, seed=1) <= 0.98


@pytest.mark.slow
@SITUATIONS
def test_every_interval_covers_its_truth(draw, truth):
    assert 0.93 <= covered(draw, truth, 2000, seed=2) <= 0.97


def test_wilson_over_samples_times_repeats_does_not_cover():
    # Why the bootstrap is there.
    assert covered(naive, 0.2, 400, seed=3) < 0.7

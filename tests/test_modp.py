"""Counting modulo p (benchmarks.modp): by hand, the bound of bits, in Lava, noisy, learned."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import modp, modp_sampled
from benchmarks.modp import PRIMES, counter, limit, longest, one_bit
from benchmarks.rows import rows_of
from lava_sqs import NoiseModel, Population, ansatz
from lava_sqs.quantum.program import compile_program

NOISE = NoiseModel.preset("ibm_fez")


def turn(p):
    return np.array([[2 * np.pi / p]])


@pytest.mark.parametrize("p", [*PRIMES, 11])
def test_the_law_is_the_theorem(p):
    """Certain where p divides, cos^2 elsewhere: .875, .8125, .7917 for 3, 5, 7, at any length."""
    for n in (longest(p), 10 * longest(p)):
        assert modp.accuracy(counter(), turn(p), p, n, None)[0] == pytest.approx(limit(p), abs=1e-9)
    n = np.arange(1, longest(p) + 1)
    program = compile_program(counter())
    said = modp.law(program, program.build(turn(p)), longest(p))[0][0]
    np.testing.assert_allclose(said, np.sin(np.pi * n / p) ** 2, atol=1e-12)


@pytest.mark.parametrize(("p", "want"), [(3, 0.875), (5, 0.8125), (7, 0.7917)])
def test_thousands_of_neurons_reach_it(p, want):
    found, error = modp.by_hand(p, longest(p), 20_000, None, 1)
    assert abs(found - want) < 0.01
    assert found - 5 * error > one_bit(modp.weights(p, longest(p)))[0]


def test_counting_does_not_disturb_the_memory():
    """It stays pure, and what is said while counting is certain."""
    pop = Population(counter(), turn(5), seed=0)
    for n in range(1, 40):
        np.testing.assert_array_equal(pop.step([[1.0, 0.0]]), [[1, 0]])
        phi = 2 * np.pi * n / 5
        np.testing.assert_allclose(pop.memory[0], [1, 0, -np.sin(phi), np.cos(phi)], atol=1e-12)
        np.testing.assert_allclose(pop.p_spike, [[1.0, 0.0]], atol=1e-12)


@pytest.mark.parametrize("noise", [None, NOISE], ids=["noiseless", "noisy"])
def test_lava_and_qutip_say_the_same(noise):
    for p in PRIMES:
        assert modp.in_lava(p, 14, 40, noise, 3) == 0
        assert modp.literal(p, 8, 4, noise, 4) < 1e-10


def test_the_law_with_noise_is_what_neurons_do():
    for p in PRIMES:
        want = modp.accuracy(counter(), turn(p), p, longest(p), NOISE)[0]
        found, error = modp.by_hand(p, longest(p), 20_000, NOISE, 2)
        assert abs(found - want) < 4 * error


@pytest.mark.parametrize("p", PRIMES)
def test_no_machine_of_two_states_is_above_the_closed_form(p):
    """Searched with restarts, and on a grid of all of them: from below, and it is reached."""
    n = 4 * p
    w, steps = modp.weights(p, n), np.arange(n)
    bound, _ = one_bit(w)
    assert modp.best_bits(w, 1, 30, 0)[0] == pytest.approx(bound, abs=1e-5)
    grid = np.linspace(0, 1, 21)
    best = 0.0
    for x, y in itertools.product(grid, grid):
        T = np.array([[1 - x, x], [y, 1 - y]])
        at = np.array([np.linalg.matrix_power(T, int(t) + 1)[0] for t in steps])
        by_state = w @ at
        best = max(best, by_state.clip(0).sum())  # the best answer in each state
    assert 0.5 + best <= bound + 1e-12
    assert 0.5 + best > bound - 0.02


def test_long_counts_leave_nothing_to_bits():
    for p in PRIMES:
        gaps = [one_bit(modp.weights(p, 2 * p * k))[0] - 0.5 for k in (1, 6, 36)]
        assert gaps[0] > gaps[1] > gaps[2] > 0
        assert gaps[2] < 0.006


def test_as_many_states_as_remainders_are_enough():
    assert modp.best_bits(modp.weights(3, 12), 2, 20, 0)[0] > 0.999
    assert modp.best_bits(modp.weights(5, 20), 2, 20, 0)[0] < limit(5)


@pytest.mark.parametrize("name", modp.LEARNERS)
def test_the_gradient_is_exact(name):
    circuit = modp.LEARNERS[name]()
    program, rng = compile_program(circuit), np.random.default_rng(0)
    theta = rng.uniform(-3, 3, (2, circuit.n_params))
    value, slope = modp.gradient(program, theta, modp.weights(3, 12))
    np.testing.assert_allclose(value, modp.accuracy(circuit, theta, 3, 12, None), atol=1e-12)
    for index in [(0, 0), (1, circuit.n_params - 1), (1, circuit.n_params // 2)]:
        move = np.zeros(theta.shape)
        move[index] = 1e-5
        ends = [
            modp.gradient(program, theta + s * move, modp.weights(3, 12))[0].sum() for s in (1, -1)
        ]
        assert (ends[0] - ends[1]) / 2e-5 == pytest.approx(slope[index], abs=1e-7)


def test_learning_finds_it_with_a_qubit_and_never_with_a_bit():
    bound = one_bit(modp.weights(3, 24))[0]
    options = {"grows": True, "seeds": 4, "updates": 300}
    assert max(modp.learn("layered, 2 layers", 3, 24, **options)) > 0.85
    for bits in ("one bit, full table", "one bit, additive"):
        assert max(modp.learn(bits, 3, 24, **options)) < bound + 1e-6


def test_noise_closes_the_gap():
    factor = modp.closing("ibm_brisbane", 3, 60)
    bound = one_bit(modp.weights(3, 60))[0]
    noise = NoiseModel.preset("ibm_brisbane")
    for scale, ahead in ((0.9, True), (1.1, False)):
        value = modp.accuracy(counter(), turn(3), 3, 60, noise.scaled(scale * factor))[0]
        assert bool(value > bound) is ahead


def test_counts_are_balanced():
    for p in PRIMES:
        counts = modp.drawn_counts(p, longest(p), 12_000, np.random.default_rng(0))
        assert counts.min() >= 1
        assert counts.max() <= longest(p)
        share = np.bincount(counts % p) / len(counts)
        np.testing.assert_allclose(share[0], 0.5)
        np.testing.assert_allclose(share[1:], 0.5 / (p - 1), atol=1e-3)


def test_the_command_goes_on_where_it_was(tmp_path, capsys, monkeypatch):
    out = tmp_path / "modp.jsonl"
    options = ["--out", str(out), "--neurons", "200", "--restarts", "2"]
    modp.main([*options, "--only", "by hand", "bits"])
    first = out.read_text()
    out.write_text(first + '{"section": "sear')  # cut off while it wrote
    modp.main([*options, "--only", "by hand", "bits", "search"])
    assert out.read_text().startswith(first)
    assert [r["section"] for r in rows_of(out).values()].count("search") == 9
    capsys.readouterr()
    monkeypatch.setattr(modp, "best_bits", None)  # nothing is done again
    modp.main([*options, "--print"])
    assert "| 3 | 60 | 0.8" in capsys.readouterr().out


def test_rows_of_an_older_file_are_not_done_again(tmp_path, capsys, monkeypatch):
    """They had no keys; every line of the stored file is one that this code would make."""
    stored = Path(modp.__file__).parent / "results" / "modp.jsonl"
    old = [json.loads(line) for line in stored.read_text().splitlines()]
    for row in old:
        row.pop("key", None)
    out = tmp_path / "modp.jsonl"
    out.write_text("".join(json.dumps(row) + "\n" for row in old))
    before = out.read_bytes()
    for work in ("by_hand", "best_bits", "in_lava", "literal", "closing", "learn"):
        monkeypatch.setattr(modp, work, None)
    modp.main(["--out", str(out)])
    assert out.read_bytes() == before
    said = capsys.readouterr().out
    modp.main(["--out", str(stored), "--print"])
    assert said == capsys.readouterr().out
    assert len(rows_of(out, modp.NAMED)) == len(old)


def test_a_neuron_of_the_counter_is_no_special_case():
    assert counter().param_names == ("turn",)
    assert ansatz.resolve(counter()) == counter()


@pytest.mark.parametrize("name", ["counter", "layered, 2 layers"])
def test_the_rule_from_sampled_spikes_is_the_gradient_on_average(name):
    """400 batches of the same angles, held against the exact gradient by their own error."""
    circuit = modp.LEARNERS[name]()
    rng = np.random.default_rng(4)
    theta = np.repeat(rng.uniform(-2, 2, (1, circuit.n_params)), 40, axis=0)
    steps = np.concatenate([modp_sampled.told(circuit, theta, 3, 6, 48, rng) for _ in range(10)])
    program = compile_program(circuit)
    counts = modp.drawn_counts(3, 6, 48_000, np.random.default_rng(0))
    share = np.bincount(counts, minlength=7)[1:] / len(counts)
    w = np.where(np.arange(1, 7) % 3 == 0, -share, share)
    want = modp.gradient(program, theta[:1], w)[1][0]
    error = steps.std(axis=0, ddof=1) / np.sqrt(len(steps))
    assert (np.abs(steps.mean(axis=0) - want) < 4.5 * error + 2e-3).all()
    assert np.abs(want).max() > 0.05


def test_sampled_spikes_teach_and_rows_are_kept(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(modp_sampled, "PRIMES", (3,))
    monkeypatch.setattr(modp_sampled, "CIRCUITS", ("counter",))
    out = tmp_path / "sampled.jsonl"
    modp_sampled.main(["--out", str(out), "--updates", "60"])
    first = out.read_text()
    assert max(json.loads(first)["accuracy"]) > 0.8
    modp_sampled.main(["--out", str(out), "--updates", "60"])
    assert out.read_text() == first
    assert "| 3 | counter |" in capsys.readouterr().out

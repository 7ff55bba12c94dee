"""Series that go dark (benchmarks.dark): the clock with a reset, the windows, the bound, rows."""

import numpy as np
import pytest

from benchmarks import dark
from benchmarks.rows import rows_of
from lava_sqs import Population


def wave(period=7.4, n=900, cut=450, seen=12, most=15):
    t = np.arange(n)
    return dark.Series(np.sin(2 * np.pi * t / period) > 0, cut, seen, most)


@pytest.mark.parametrize("seed", range(3))
def test_the_clock_begins_anew_at_every_rise(seed):
    """Asked at any time it says sin^2 of the turn since the last rise, whatever was before."""
    rng = np.random.default_rng(seed)
    turn, phase = rng.uniform(-3, 3, 2)
    steps = 30
    rise = rng.random(steps) < 0.2
    z = np.stack([np.ones(steps), np.zeros(steps), rise], axis=1)
    neuron = Population(dark.finder(), [turn, phase], size=1, seed=seed)
    age = 0
    for t in range(steps):
        asked = Population(dark.finder(), [turn, phase], size=1, seed=seed)
        asked.run(z[:t, None])
        asked.step([[0.0, 1.0, 0.0]])
        want = np.sin((turn * age + phase) / 2) ** 2
        assert asked.p_spike[0, 0] == pytest.approx(want, abs=1e-12)
        said = neuron.step(z[t : t + 1])
        assert said[0, 0] == 1  # what is said while it counts tells nothing
        age = 0 if rise[t] else age + 1


@pytest.mark.parametrize("mixed", [False, True])
def test_windows_are_what_they_say(mixed):
    s = wave()
    order = dark.order_of(s, mixed)
    assert sorted(order) == list(range(s.dark + 1))
    assert order[0] == 0
    assert mixed != np.array_equal(order, np.arange(s.dark + 1))
    for test in (False, True):
        x, y, lengths = dark.drawn(s, test, 12, np.random.default_rng(2), mixed=mixed)
        part = s.above[s.cut :] if test else s.above[: s.cut]
        rises = np.flatnonzero(part[1:] & ~part[:-1]) + 1
        for spikes, said, length in zip(x, y, lengths, strict=True):
            n = length - s.seen
            assert 1 <= n <= s.dark
            assert spikes[:, 0].sum() == length - 1
            assert np.flatnonzero(spikes[:, 1]).tolist() == [length - 1]
            assert not spikes[s.seen :, 2].any()
            seen = np.flatnonzero(spikes[: s.seen, 2])
            fits = [b for b in range(1, len(part) - s.seen - s.dark)
                    if [r - b for r in rises if b <= r < b + s.seen] == seen.tolist()]  # fmt: skip
            assert any(part[b + s.seen - 1 + order[n]] == said for b in fits)


def test_short_darkness_first():
    s = wave()
    lengths = dark.drawn(s, False, 200, np.random.default_rng(0), 0.2)[2]
    assert lengths.max() == s.seen + 3


def test_no_bit_is_above_the_oracle():
    """Random machines, each told the best state of every window, against the grid."""
    s, rng = wave(n=400, cut=200), np.random.default_rng(1)
    bound = dark.oracle(s, True)
    begin = np.arange(s.cut + 1, len(s.above) - s.seen - s.dark)
    y = s.above[begin[:, None] + s.seen - 1 + np.arange(1, s.dark + 1)]
    for _ in range(200):
        T, r = rng.dirichlet((0.3, 0.3), 2), rng.random(2)
        answers = np.stack([np.linalg.matrix_power(T, n) @ r for n in range(1, s.dark + 1)])
        gain = y / y.sum() - ~y / (~y).sum()
        assert 0.5 + (gain @ answers).max(axis=1).sum() / 2 <= bound + 0.01
    assert 0.5 < bound < 0.7


def test_a_network_is_begun_taught_and_judged(monkeypatch):
    monkeypatch.setattr(dark, "SETTINGS", {**dark.SETTINGS, "starts": 1, "first": 2, "updates": 8,
                                           "judged": 40})  # fmt: skip
    for kind in list(dark.KINDS)[:3:2]:  # a qubit, LIF
        row = dark.trained(wave(), kind, 0, mixed=False)
        again = dark.trained(wave(), kind, 0, mixed=False)
        assert {**row, "seconds": 0} == {**again, "seconds": 0}
        assert 0 <= row["accuracy"] <= 1


def test_the_command_goes_on_where_it_was(tmp_path, capsys, monkeypatch):
    out, made = tmp_path / "dark.jsonl", []

    def trained(series, kind, seed, mixed):
        made.append((kind, seed, mixed))
        if len(made) == 5:
            raise KeyboardInterrupt
        return {"accuracy": 0.7 - 0.2 * mixed, "train": 0.8, "parameters": 9, "seconds": 1.0}

    monkeypatch.setattr(dark, "SERIES", dict.fromkeys(dark.SERIES, lambda folder: wave()))
    monkeypatch.setattr(dark, "trained", trained)
    options = ["--data", str(tmp_path), "--out", str(out)]
    with pytest.raises(KeyboardInterrupt):
        dark.main(options)
    dark.main(options)
    assert len(made) == 1 + len(dark.planned())  # the one that was cut off is made again
    assert len(rows_of(out)) == len(dark.SERIES) + len(dark.planned())
    assert len(dark.planned()) == len(dark.SERIES) * len(dark.KINDS) * 13
    capsys.readouterr()
    monkeypatch.setattr(dark, "trained", None)
    dark.main(["--out", str(out), "--print"])
    said = capsys.readouterr().out
    assert "| laser | 1 bit, full table | 9 | 70.0 ± 0.0 | 10 | 80.0 ± 0.0 | 50.0 ± 0.0" in said
    assert "no single neuron of one bit" in said
    with pytest.raises(SystemExit):
        dark.main(["--out", str(out)])

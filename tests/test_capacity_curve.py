"""How a memory grows (benchmarks.capacity): bounds, training, the file and its table."""

import itertools

import numpy as np
import pytest

from benchmarks import capacity
from benchmarks.rows import rows_of


@pytest.mark.parametrize("name", capacity.CIRCUITS)
def test_no_memory_holds_more_than_its_size(name):
    most, make = capacity.CIRCUITS[name]
    for m, noise, seed in itertools.product(range(1, min(most, 3) + 1), capacity.NOISES, range(3)):
        circuit = make(m)
        held = capacity.held(circuit, capacity.random_angles(circuit, seed), noise)
        assert held.shape == (capacity.DELAYS + 1,)
        assert (held >= 0).all()
        assert held.sum() <= m + 1e-9


def test_a_delay_line_holds_a_bit_per_qubit_and_less_under_noise():
    for m in (1, 3):
        line = capacity.CIRCUITS["delay line, by hand"][1](m)
        clean, noisy = (capacity.held(line, (), noise) for noise in capacity.NOISES)
        np.testing.assert_allclose(clean, np.arange(capacity.DELAYS + 1) < m, atol=1e-9)
        assert 0.8 * m < noisy.sum() < m


def test_training_climbs(monkeypatch):
    monkeypatch.setattr(capacity, "STARTS", 2)
    for name in ("exchange", "bits, full table"):
        circuit = capacity.CIRCUITS[name][1](1)
        row = capacity.trained(circuit, "none", 0)
        starts = [capacity.random_angles(circuit, 1000 + i) for i in range(2)]
        before = max(capacity.held(circuit, s, "none").sum() for s in starts)
        assert sum(row["bits"]) > before + 0.1
        again = capacity.held(circuit, np.array(row["theta"]), "none").sum()
        assert sum(row["bits"]) == pytest.approx(again, abs=1e-4)


def test_the_command_goes_on_where_it_was(tmp_path, capsys, monkeypatch):
    out = tmp_path / "capacity.jsonl"
    jobs = [job for job in capacity.planned() if job[0]["qubits"] == 1][:4]
    monkeypatch.setattr(capacity, "planned", lambda: iter(jobs[:2]))
    capacity.main(["--out", str(out)])
    first = out.read_bytes()
    out.write_bytes(first + b'{"key": ')
    monkeypatch.setattr(capacity, "planned", lambda: iter(jobs))
    capacity.main(["--out", str(out)])
    assert out.read_bytes().startswith(first)
    assert [r["seed"] for r in rows_of(out).values()] == [0, 1, 2, 3]
    capsys.readouterr()
    capacity.main(["--out", str(out), "--print", "--figure", str(tmp_path / "figure.png")])
    mean = np.mean([sum(r["bits"]) for r in rows_of(out).values()])
    assert f"| layered | random | none | {mean:.2f} ±" in capsys.readouterr().out
    assert (tmp_path / "figure.png").stat().st_size > 10_000

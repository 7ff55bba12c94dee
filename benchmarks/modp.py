"""Counting modulo p with one memory qubit, and what bits can do: by hand, by law, noisy, learned.

``uv run python -m benchmarks.modp --out FILE`` appends one JSON line per finished row to FILE and
prints the tables; what is there is not done again. ``--print`` prints them without work,
``--figure PNG`` draws noise against advantage. Accuracy is balanced: half of the counts are
divisible by p, and of the others every remainder is equally frequent.

A machine of S states answers a count n with ``e0 T^n r``, T a stochastic matrix. Of two states its
eigenvalues are 1 and a real lambda, so it is ``a + b lambda^n``, whose best accuracy up to a
longest count has a closed form (:func:`one_bit`). One qubit turned by ``2 pi k / p`` per count
answers with ``cos^2(pi k n / p)``, at any length.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

from benchmarks.rows import append, key_of, rows_of
from lava_sqs import NoiseModel, Population, ansatz
from lava_sqs._text import markdown
from lava_sqs.optimizers import Optimizer
from lava_sqs.quantum import Ansatz
from lava_sqs.quantum.kernels.step import encode
from lava_sqs.quantum.program import Program, compile_program
from lava_sqs.quantum.states import ground_state

Array = NDArray[Any]

PRIMES = (3, 5, 7)
COUNT, QUERY = (1.0, 0.0), (0.0, 1.0)  # currents of the two io channels


def longest(p: int, about: int = 60) -> int:
    """Return the longest count of a task: a multiple of 2 p, so that as many are odd as even."""
    return 2 * p * -(-about // (2 * p))


def limit(p: int) -> float:
    """Return the accuracy of the qubit: certain of divisible counts, else cos^2 of the turn."""
    return 1 - (p / 2 - 1) / (2 * (p - 1))


def weights(p: int, n: int) -> Array:
    """Return w: the accuracy of answers a(1..n), "not divisible", is 1/2 + sum w a."""
    divisible = np.arange(1, n + 1) % p == 0
    return np.where(divisible, -0.5 / divisible.sum(), 0.5 / (~divisible).sum())


# -- the neuron by hand --------------------------------------------------------------------------


def counter() -> Ansatz:
    """Return the circuit: count turns the memory; if query, the memory turns count's qubit.

    The second part is Margolus' gate, a Toffoli up to a sign that no step meets. A count is a
    current of 1, so that count's qubit is 1 for certain and its measurement tells nothing.
    """
    quarter = np.pi / 4
    gates = [("CRX", (0, 2), "turn"), ("RY", 0, quarter), ("CX", (2, 0)), ("RY", 0, quarter)]
    gates += [("CX", (1, 0)), ("RY", 0, -quarter), ("CX", (2, 0)), ("RY", 0, -quarter)]
    return ansatz.from_gates(gates, io_qubits=2, memory_qubits=1, name="counter")


def currents(counts: Array, steps: int) -> Array:
    """Return the currents (T, K, 2) of counts (K,): as many counts, then one query."""
    z = np.zeros((steps + 1, len(counts), 2))
    t = np.arange(steps + 1)[:, None]
    z[..., 0], z[..., 1] = t < counts, t == counts
    return z


def drawn_counts(p: int, n: int, size: int, rng: np.random.Generator) -> Array:
    """Return counts from 1 to n: half of them divisible, all remainders equally frequent."""
    remainder = np.where(np.arange(size) % 2 == 0, 0, 1 + np.arange(size) // 2 % (p - 1))
    return np.where(remainder == 0, p, remainder) + p * rng.integers(0, n // p, size)


def answers(spikes: Array, counts: Array) -> Array:
    """Return what was said on count's channel in the step of the query, (K,)."""
    return np.asarray(spikes[counts, np.arange(len(counts)), 0])


def by_hand(p: int, n: int, size: int, noise: NoiseModel | None, seed: int) -> tuple[float, float]:
    """Return the accuracy of *size* neurons with one count each, and its standard error."""
    counts = drawn_counts(p, n, size, np.random.default_rng(seed))
    pop = Population(counter(), [2 * np.pi / p], size=size, noise=noise, seed=seed)
    right = answers(pop.run(currents(counts, n)).spikes, counts) == (counts % p != 0)
    parts = [right[counts % p == 0], right[counts % p != 0]]
    error = np.sqrt(sum(x.mean() * (1 - x.mean()) / len(x) for x in parts)) / 2
    return float(np.mean([x.mean() for x in parts])), float(error)


# -- its law -------------------------------------------------------------------------------------


def _coefficients(program: Program, z: tuple[float, ...]) -> Array:
    out = np.empty(program.shape[2])
    encode(np.array(z), program.eta, out)
    return out


def law(program: Program, A: Array, n: int) -> tuple[Array, Array, Array, Array]:
    """Return the probability (K, n) of the answer "no" after 1 to n counts, and how it is found.

    Averaged over what is said while counting: ``a_t = e . M^t r``.
    """
    count, query = _coefficients(program, COUNT), _coefficients(program, QUERY)
    M = np.einsum("c,ksicj->kij", count, A)
    e = np.einsum("c,kscj->kj", query, A[:, A.shape[1] // 2 :, 0])
    states = np.empty((n + 1, *e.shape))
    states[0] = ground_state(program.ansatz.memory_qubits)
    for t in range(n):
        states[t + 1] = np.einsum("kij,kj->ki", M, states[t])
    return np.einsum("kj,tkj->kt", e, states[1:]), M, e, states


def accuracy(circuit: Ansatz, theta: Array, p: int, n: int, noise: NoiseModel | None) -> Array:
    """Return the expected accuracy (K,), exactly."""
    program = compile_program(circuit, noise)
    return np.asarray(0.5 + law(program, program.build(theta), n)[0] @ weights(p, n))


def gradient(program: Program, theta: Array, w: Array) -> tuple[Array, Array]:
    """Return the expected accuracy (K,) at weights (n,), and its exact gradient (K, P)."""
    A, n = program.build(theta), len(w)
    a, M, e, states = law(program, A, n)
    by_e = np.einsum("t,tkj->kj", w, states[1:])
    by_M, mu = np.zeros(M.shape), np.zeros(e.shape)
    for t in range(n, 0, -1):
        mu = w[t - 1] * e + np.einsum("kij,ki->kj", M, mu)
        by_M += mu[:, :, None] * states[t - 1][:, None]
    G = np.empty(A.shape)
    G[:] = np.einsum("c,kij->kicj", _coefficients(program, COUNT), by_M)[:, None]
    G[:, A.shape[1] // 2 :, 0] += np.einsum("c,kj->kcj", _coefficients(program, QUERY), by_e)[
        :, None
    ]
    return 0.5 + a @ w, program.pull_back(theta, G)


# -- what bits can do ----------------------------------------------------------------------------


def one_bit(w: Array) -> tuple[float, float]:
    """Return the best accuracy of two states, and its lambda: closed form, the rest a line search.

    The weights w (n,) are those of balanced classes, whose sum is 0.

    ``a + b lambda^t`` lies in [0, 1] at all t for ``|b| <= 1`` (lambda >= 0) or
    ``|b| <= 1 / (1 - lambda)``, and both are reached.
    """
    t = np.arange(1, len(w) + 1)

    def value(x: float) -> float:
        return 0.5 + abs(float(w @ x**t)) / (1.0 if x >= 0 else 1.0 - x)

    grid = np.concatenate([1 - np.geomspace(1e-6, 1, 2000), -1 + np.geomspace(1e-6, 1, 2000)])
    best = max(grid, key=value)
    fine = optimize.minimize_scalar(
        lambda x: -value(x), bounds=(max(-1.0, best - 0.02), min(1.0, best + 0.02)),
        method="bounded", options={"xatol": 1e-10},
    )  # fmt: skip
    x = max((best, float(fine.x)), key=value)
    return value(x), float(x)


def best_bits(w: Array, bits: int, restarts: int, seed: int) -> tuple[float, Array]:
    """Return the best accuracy found of machines with 2**bits states, and that machine's answers.

    From random starts; the answer to a query may be random. Exact gradients; a lower bound.
    """
    S, n = 2**bits, len(w)
    rng = np.random.default_rng(seed)

    def run(x: Array) -> tuple[Array, Array, Array]:
        T, r = special.softmax(x[: S * S].reshape(S, S), axis=1), special.expit(x[S * S :])
        states = np.empty((n + 1, S))
        states[0] = np.eye(S)[0]
        for t in range(n):
            states[t + 1] = states[t] @ T
        return T, r, states

    def loss(x: Array) -> tuple[float, Array]:
        T, r, states = run(x)
        by_T, mu = np.zeros((S, S)), np.zeros(S)
        for t in range(n, 0, -1):
            mu = w[t - 1] * r + T @ mu
            by_T += np.outer(states[t - 1], mu)
        by_logits = T * (by_T - (T * by_T).sum(axis=1, keepdims=True))
        by_r = (w @ states[1:]) * r * (1 - r)
        return -float(w @ (states[1:] @ r)), -np.concatenate([by_logits.ravel(), by_r])

    best, machine = np.inf, np.zeros(S * S + S)
    for i in range(restarts):
        start = rng.normal(0, 3, S * S + S)
        if i % 2:  # near a cycle of some length, with tails
            to = (np.arange(S) + 1) % rng.integers(2, S + 1)
            start[: S * S] += 8 * np.eye(S)[to].ravel()
        found = optimize.minimize(loss, start, jac=True, method="L-BFGS-B",
                                  options={"maxiter": 500})  # fmt: skip
        if found.fun < best:
            best, machine = float(found.fun), found.x
    _, r, states = run(machine)
    return 0.5 - best, np.asarray(states[1:] @ r)


# -- rows ----------------------------------------------------------------------------------------

#: Circuits that learn from random angles.
LEARNERS: dict[str, Callable[[], Ansatz]] = {
    "counter": counter,
    "layered": lambda: ansatz.layered(2, 1),
    "layered, 2 layers": lambda: ansatz.layered(2, 1, layers=2),
    "one bit, full table": lambda: ansatz.classical_memory(2, 1),
    "one bit, additive": lambda: ansatz.classical_memory(2, 1, table="additive"),
    "two bits, additive": lambda: ansatz.classical_memory(2, 2, table="additive"),
}
SECTIONS = ("by hand", "bits", "search", "lava", "literal", "noise", "learn")
#: What a row is known by; older files have no keys.
NAMED = ("section", "p", "n", "neurons", "bits", "restarts", "noise", "preset", "circuit", "grows",
         "seeds", "updates")  # fmt: skip
FACTORS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 12.0)


def learn(name: str, p: int, n: int, *, grows: bool, seeds: int, updates: int) -> list[float]:
    """Return the accuracy that angles reach, one per seed, by Adam on the exact gradient.

    All counts up to n are seen; where the task grows, first those up to p, then more and more.
    """
    circuit = LEARNERS[name]()
    program = compile_program(circuit)
    starts = [np.random.default_rng(s).uniform(-np.pi, np.pi, circuit.n_params) for s in
              range(seeds)]  # fmt: skip
    theta, adam = np.array(starts), Optimizer("adam")
    for i in range(updates):
        now = n
        if grows:
            now = min(n, p * (1 + int(1.5 * i / updates * (n / p - 1))))
        _, slope = gradient(program, theta, weights(p, now))
        cooled = 0.05 * 0.5 * (1 + np.cos(np.pi * i / updates))
        theta = theta + adam.step("theta", slope, rate=cooled)
    return [float(x) for x in accuracy(circuit, theta, p, n, None)]


def closing(preset: str, p: int, n: int) -> float:
    """Return the factor of a preset's noise at which the qubit is no better than the best bit."""
    noise, bit = NoiseModel.preset(preset), one_bit(weights(p, n))[0]
    theta = np.array([[2 * np.pi / p]])

    def gap(log_factor: float) -> float:
        scaled = noise.scaled(float(np.exp(log_factor)))
        return float(accuracy(counter(), theta, p, n, scaled)[0]) - bit

    return float(np.exp(optimize.brentq(gap, np.log(1e-3), np.log(20.0), xtol=1e-3)))


def half_life(preset: str, p: int) -> float:
    """Return after how many counts a device's noise has halved what the answers differ by."""
    program = compile_program(counter(), NoiseModel.preset(preset))
    M = law(program, program.build(np.array([[2 * np.pi / p]])), 1)[1][0]
    values = np.linalg.eigvals(M)
    turning = np.abs(values[np.abs(values.imag) > 1e-3]).max()
    return float(np.log(2) / -np.log(turning))


def in_lava(p: int, n: int, size: int, noise: NoiseModel | None, seed: int) -> int:
    """Return how many of the spikes in Lava differ from those of a Population: none."""
    from lava_sqs import SQS, SQSSimCfg, runtime  # first: it imports Lava whatever ran before

    counts = drawn_counts(p, n, size, np.random.default_rng(seed))
    from lava.proc.io.sink import RingBuffer as Sink
    from lava.proc.io.source import RingBuffer as Source

    z = currents(counts, n)
    options: dict[str, Any] = {"noise": noise, "seed": seed}
    want = Population(counter(), [2 * np.pi / p], size=size, **options).run(z).spikes
    neurons = SQS(shape=(size,), ansatz=counter(), theta=[2 * np.pi / p], **options)
    source, sink = Source(data=np.moveaxis(z, 0, -1)), Sink(shape=(size, 2), buffer=len(z))
    source.s_out.connect(neurons.a_in)
    neurons.s_out.connect(sink.a_in)
    with runtime(neurons, SQSSimCfg()) as net:
        net.run(len(z))
        said = np.moveaxis(sink.data.get(), -1, 0)
    return int((said != want).sum())


def literal(p: int, n: int, size: int, noise: NoiseModel | None, seed: int) -> float:
    """Return the largest difference to literal QuTiP neurons, of p and spikes alike."""
    counts = drawn_counts(p, n, size, np.random.default_rng(seed))
    z, found = currents(counts, n), []
    for backend in ("instrument", "qutip"):
        options: dict[str, Any] = {"size": size, "noise": noise, "seed": seed}
        pop = Population(counter(), [2 * np.pi / p], **options, backend=backend)
        run = pop.run(z, record=("p_spike", "memory"))
        found.append([run.spikes, run.p_spike, run.memory])
    return float(max(np.abs(a - b).max() for a, b in zip(*found, strict=True)))


def planned(options: argparse.Namespace) -> Iterator[tuple[dict[str, Any], Callable[[], Any]]]:
    """Yield what names each row, and the work that makes the rest of it."""
    presets = list(NoiseModel.presets())
    for p in PRIMES:
        n = longest(p, options.longest)
        task = {"p": p, "n": n}

        def sampled(p: int = p, n: int = n) -> dict[str, Any]:
            value, error = by_hand(p, n, options.neurons, None, 1)
            return {"accuracy": value, "error": error, "limit": limit(p)}

        yield {"section": "by hand", **task, "neurons": options.neurons}, sampled
        yield {"section": "bits", **task, "bits": 1}, lambda p=p, n=n: {
            "accuracy": one_bit(weights(p, n))[0], "lambda": one_bit(weights(p, n))[1],
            "infinite": 0.5}  # fmt: skip
        for bits in (1, 2, 3):
            named = {"section": "search", **task, "bits": bits, "restarts": options.restarts}
            yield named, lambda p=p, n=n, bits=bits: {
                "accuracy": best_bits(weights(p, n), bits, options.restarts, 1)[0],
                "infinite": 1.0 if p <= 2**bits else 0.5}  # fmt: skip
    for p in PRIMES:
        n = longest(p, options.longest)
        task = {"p": p, "n": n}
        for name, noise in (("none", None), (presets[0], NoiseModel.preset(presets[0]))):
            yield {"section": "lava", **task, "noise": name}, lambda p=p, n=n, noise=noise: {
                "differ": in_lava(p, n, 200, noise, 3)}  # fmt: skip
            yield {"section": "literal", **task, "noise": name}, lambda p=p, noise=noise: {
                "differ": literal(p, 12, 6, noise, 4)}  # fmt: skip
        for preset in presets:
            named = {"section": "noise", **task, "preset": preset}
            yield named, lambda p=p, n=n, preset=preset: {
                "factors": FACTORS,
                "accuracy": [
                    float(accuracy(counter(), np.array([[2 * np.pi / p]]), p, n,
                                   NoiseModel.preset(preset).scaled(f))[0])
                    for f in FACTORS
                ],
                "closes": closing(preset, p, n),
                "half_life": half_life(preset, p),
            }  # fmt: skip
    for p in PRIMES:
        n = longest(p, options.longest)
        for name in LEARNERS:
            for grows in (False, True):
                settings = {"seeds": options.seeds, "updates": options.updates}
                named = {"section": "learn", "p": p, "n": n, "circuit": name, "grows": grows}
                yield {**named, **settings}, lambda p=p, n=n, name=name, grows=grows: {
                    "accuracy": learn(name, p, n, grows=grows, seeds=options.seeds,
                                      updates=options.updates),
                    "n_params": LEARNERS[name]().n_params,
                }  # fmt: skip


# -- tables and picture --------------------------------------------------------------------------


def tables(rows: list[dict[str, Any]]) -> str:
    """Return the tables of the page, as markdown."""
    of = {s: [r for r in rows if r["section"] == s] for s in SECTIONS}
    lines = [markdown("p", "counts up to", "qubit, by hand", "its limit", "one bit (bound)",
                      "1, 2, 3 bits (found)", "of endless counts", head=True)]  # fmt: skip
    for hand in of["by hand"]:
        p = hand["p"]
        bound = next((f"{r['accuracy']:.4f}" for r in of["bits"] if r["p"] == p), "")
        found = [r for r in of["search"] if r["p"] == p]
        lines.append(
            markdown(
                p, hand["n"], f"{hand['accuracy']:.4f} ± {hand['error']:.4f}",
                f"{hand['limit']:.4f}", bound,
                ", ".join(f"{r['accuracy']:.4f}" for r in found),
                ", ".join(f"{r['infinite']:g}" for r in found),
            )
        )  # fmt: skip
    for section, what in (("lava", "spikes that differ in Lava"), ("literal", "from QuTiP")):
        said = [f"p = {r['p']}, noise {r['noise']}: {r['differ']:.2g}" for r in of[section]]
        lines += ["", f"{what}: {', '.join(said)}"]
    lines += ["", markdown("p", "preset", "accuracy there", "the gap closes at", "half-life",
                           head=True)]  # fmt: skip
    for r in of["noise"]:
        there = r["accuracy"][list(r["factors"]).index(1.0)]
        lines.append(markdown(r["p"], r["preset"], f"{there:.4f}", f"{r['closes']:.2f} x its noise",
                              f"{r['half_life']:.0f} counts"))  # fmt: skip
    lines += ["", markdown("p", "circuit", "angles", "counts", "mean, 95 %", "best",
                           "seeds above one bit", head=True)]  # fmt: skip
    for r in of["learn"]:
        values = np.array(r["accuracy"])
        half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values) if len(values) > 1 else 0.0
        bound = one_bit(weights(r["p"], r["n"]))[0]
        lines.append(
            markdown(
                r["p"], r["circuit"], r["n_params"], "more and more" if r["grows"] else "all",
                f"{values.mean():.3f} ± {half:.3f}", f"{values.max():.4f}",
                f"{(values > bound + 1e-6).sum()} of {len(values)}",
            )
        )  # fmt: skip
    return "\n".join(lines)


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw noise against advantage: one panel per p, one line per device."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    noisy = [r for r in rows if r["section"] == "noise"]
    primes = sorted({r["p"] for r in noisy})
    size = {"figsize": (3.4 * len(primes), 3.2)}
    fig, axes = plt.subplots(1, len(primes), sharey=True, layout="constrained", **size)
    for ax, p in zip(np.atleast_1d(axes), primes, strict=True):
        for i, r in enumerate(r for r in noisy if r["p"] == p):
            at = np.maximum(r["factors"], 0.004)
            ax.plot(at, r["accuracy"], ".-", color=f"C{i}", label=r["preset"])
            ax.axvline(r["closes"], color=f"C{i}", lw=0.8, ls=":")
            n = r["n"]
        ax.axhline(limit(p), color="0.3", lw=1, ls="--")
        ax.text(0.0042, limit(p) + 0.006, "one qubit, without noise", fontsize=8, color="0.3")
        bit = one_bit(weights(p, n))[0]
        ax.axhline(bit, color="k", lw=1)
        ax.text(0.0042, bit - 0.022, "best of all one-bit machines", fontsize=8)
        ax.set(xscale="log", title=f"p = {p}, counts up to {n}", ylim=(0.45, 0.93))
        ax.set_xticks([0.004, 0.01, 0.1, 1], ["0", "0.01", "0.1", "1"])
        ax.set_xlabel("noise, in units of the device's")
        ax.spines[["top", "right"]].set_visible(False)
    first = np.atleast_1d(axes)[0]
    first.set_ylabel("balanced accuracy")
    np.atleast_1d(axes)[-1].legend(frameon=False, fontsize=8, loc=(0.02, 0.28))
    fig.savefig(path, dpi=150)
    plt.close(fig)


def main(arguments: list[str] | None = None) -> None:
    """Make what is missing, and print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.modp", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("modp.jsonl"), help="JSON lines, appended")
    parser.add_argument("--print", action="store_true", help="only print what is there")
    parser.add_argument("--figure", type=Path, help="PNG of noise against advantage")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, help="sections")
    parser.add_argument("--longest", type=int, default=60, help="about the longest count")
    parser.add_argument("--neurons", type=int, default=20000)
    parser.add_argument("--restarts", type=int, default=400)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--updates", type=int, default=1000)
    options = parser.parse_args(arguments)
    rows = rows_of(options.out, NAMED)
    for named, work in planned(options):
        key = key_of(named)
        if options.print or key in rows or named["section"] not in (options.only or SECTIONS):
            continue
        start = time.process_time()
        rows[key] = {"key": key, **named, **work()}
        rows[key]["cpu_seconds"] = round(time.process_time() - start, 2)
        append(options.out, rows[key])
        print(json.dumps(rows[key]), flush=True)
    print(tables(list(rows.values())))
    if options.figure is not None:
        draw(list(rows.values()), options.figure)


if __name__ == "__main__":
    main()

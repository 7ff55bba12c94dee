"""Lava's models of connections against ours, each alone, in turns, on the same spikes."""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.learning.constants import GradedSpikeCfg
from lava.proc.dense import models as dense
from lava.proc.learning_rules.stdp_learning_rule import STDPLoihi
from lava.proc.sparse import models as sparse
from scipy.sparse import csr_matrix

from benchmarks.timing import Work, interleaved
from lava_sqs import SQSLearningRule
from lava_sqs.proc._stock import quicker

#: Share of the inputs that spikes in a step, and how many steps differ.
ACTIVITY, TRAINS = 0.05, 50


class Port:
    """Brings the next of its messages, over and over; sends nowhere."""

    def __init__(self, messages: Any) -> None:
        self._messages, self._next = messages, 0

    def recv(self) -> Any:
        self._next = (self._next + 1) % len(self._messages)
        return self._messages[self._next]

    def send(self, message: Any) -> None:
        pass


def stepping(kind: Any, weights: Any, *, bits: int = 0, rule: Any = None) -> tuple[Work, Any]:
    """Return a call that makes one step, learning included, and the model."""
    rng = np.random.default_rng(0)
    post, pre = weights.shape
    params = {"learning_rule": rule, "shape": weights.shape, "num_weight_bits": 7}
    model = kind({**params, "graded_spike_cfg": GradedSpikeCfg.USE_REGULAR_IMPULSE})
    is_sparse, fixed = issubclass(kind, (*SPARSE,)), "BitAcc" in kind.__name__
    weights = weights.astype(np.int32 if fixed else float)
    model.weights = csr_matrix(weights) if is_sparse else weights.copy()
    model.num_message_bits = np.array([bits])
    longest = 4 if "Delay" in kind.__name__ else 0
    delays = rng.integers(0, longest + 1, weights.shape)
    model.delays = csr_matrix(delays) if is_sparse else delays
    model.a_buff = np.zeros((post, longest + 1) if longest else post, weights.dtype)
    model.tag_1, model.tag_2 = np.zeros(weights.shape), np.zeros(weights.shape)
    for side, n in (("x", pre), ("y", post)):
        setattr(model, f"{side}0", np.zeros(n, bool))
        setattr(model, f"t{side}", np.zeros(n, int))
        for i in "123":
            setattr(model, f"{side}{i}", np.zeros(n))
    spikes = rng.random((TRAINS, pre)) < (0.3 if rule else ACTIVITY)
    payload = rng.integers(1, 2**bits, spikes.shape) if bits else 1
    model.s_in = Port((spikes * payload).astype(np.int32 if fixed else float))
    model.s_in_bap, model.a_out = Port(rng.random((TRAINS, post)) < 0.3), Port([None])
    for i in "123":
        setattr(model, f"s_in_y{i}", Port(rng.normal(size=(TRAINS, post))))
    model.time_step = 0

    def step() -> None:
        model.time_step += 1
        model.run_spk()
        if rule is not None and model.lrn_guard():
            model.run_lrn()

    return step, model


SPARSE = (
    sparse.PySparseModelFloat,
    sparse.PySparseModelBitAcc,
    sparse.PyDelaySparseModelFloat,
    sparse.PyDelaySparseModelBitAcc,
)
STDP = {
    "learning_rate": 1, "A_plus": 1, "A_minus": -1, "tau_plus": 10, "tau_minus": 10, "t_epoch": 4
}  # fmt: skip


def against_lava(quick: bool) -> list[dict[str, Any]]:
    """Each model of Lava's and ours: microseconds a step, and how many times as quick ours is."""
    rng, repeats = np.random.default_rng(0), 5 if quick else 15
    cases: dict[str, tuple[Any, Any, dict[str, Any]]] = {
        "LearningDense 3 x 8, SQSLearningRule": (
            dense.PyLearningDenseModelFloat,
            np.full((3, 8), 0.1),
            {"rule": SQSLearningRule},
        ),
        "LearningDense 100 x 100, STDPLoihi, epoch 4": (
            dense.PyLearningDenseModelFloat,
            rng.normal(size=(100, 100)),
            {"rule": lambda: STDPLoihi(**STDP)},
        ),
    }
    for n in (100, 1000):
        whole = rng.integers(-100, 100, (n, n)) * 2
        some = whole * (rng.random((n, n)) < 0.1)
        kinds: dict[str, tuple[Any, Any, dict[str, Any]]] = {
            "Dense": (dense.PyDenseModelFloat, rng.normal(size=(n, n)), {}),
            "Dense, graded": (dense.PyDenseModelFloat, whole / 256, {"bits": 8}),
            "Dense, fixed_pt": (dense.PyDenseModelBitAcc, whole, {}),
            "Dense, fixed_pt, graded": (dense.PyDenseModelBitAcc, whole, {"bits": 8}),
            "Sparse, 10 % of the synapses": (sparse.PySparseModelFloat, some / 7, {}),
        }
        if n == 100:
            kinds["DelayDense, 5 delays"] = (dense.PyDelayDenseModelFloat, whole / 256, {})
            kinds["DelaySparse, 5 delays"] = (sparse.PyDelaySparseModelFloat, some / 7, {})
        cases |= {f"{name}, n = {n}": case for name, case in kinds.items()}
    rows = []
    for name, (stock, weights, options) in cases.items():
        made = [
            stepping(kind, weights, **{k: v() if k == "rule" else v for k, v in options.items()})
            for kind in (stock, quicker(stock))
        ]
        timings = interleaved(
            {who: (made[i][0], 1) for i, who in enumerate(("Lava", "ours"))}, repeats
        )
        for who, timing in timings.items():
            rows.append(
                {
                    "section": "models",
                    "name": f"{name}, {who}",
                    "value": timing.median * 1e6,
                    "unit": "us/step",
                    "spread": timing.spread,
                    "ratio": timings["Lava"].median / timing.median,
                    "ratio_of": "Lava / it",
                }
            )
    return rows

"""What a prompt shows of an object: one short text that says what it is, never pages of arrays."""

import numpy as np
import pytest
import qutip

from lava_sqs import (
    QLIF,
    SQS,
    SQSNN,
    LearningSQS,
    NoiseModel,
    Population,
    SQSDense,
    SQSLearningRule,
    SQSNNRegressor,
    SQSRewardRule,
    SQSSimCfg,
    StochasticLIF,
    Study,
    ansatz,
    runtime,
)
from lava_sqs.data import Scale, load_digits
from lava_sqs.network import LayerParams, LIFNeuron, SQSNeuron, feed_forward
from lava_sqs.network.gradient import initialise
from lava_sqs.network.simulate import forward
from lava_sqs.optimizers import Optimizer
from lava_sqs.proc.sqsnn.process import SQSNetwork
from lava_sqs.quantum import OnlineScores, ReferenceNeuron, SpikeTrainScorer
from lava_sqs.quantum.diagnostics import memory_capacity, memory_fidelity
from lava_sqs.quantum.program import compile_program

CIRCUIT, THETA = ansatz.layered(1, 2), np.zeros((3, 13))
NOISE = NoiseModel.preset("ibm_fez")
CHANNEL = NOISE.with_channel("readout", qutip.qeye([2, 2])).channels[0]
NET = feed_forward(4, (3,), 2, SQSNeuron(ansatz.layered()))


def network():
    rng = np.random.default_rng(0)
    return initialise(NET, np.ones((5, 2, 4)), rng)


def result():
    return Study("memory_capacity", base={"ansatz": "delay"}).run(progress=False)


OBJECTS = {
    "ibm_fez": lambda: NOISE,
    "readout": lambda: CHANNEL,
    "layered": lambda: CIRCUIT,
    "size=3": lambda: Population(CIRCUIT, THETA, seed=1),
    "spikes (5, 3)": lambda: Population(CIRCUIT, THETA, seed=1).run(np.zeros((5, 3))),
    "noise ibm_fez": lambda: ReferenceNeuron(CIRCUIT, THETA[0], NOISE),
    "Program of": lambda: compile_program(CIRCUIT),
    "3 neurons": lambda: SpikeTrainScorer(CIRCUIT, THETA),
    "window 2": lambda: OnlineScores(compile_program(CIRCUIT), THETA, size=3, window=2),
    "MemoryCapacity": lambda: memory_capacity(ansatz.paper(), np.zeros(3), max_delay=2),
    "mean fidelity": lambda: memory_fidelity(CIRCUIT, THETA, np.ones((2, 3)), NOISE, seed=1),
    "shape=(2, 3)": lambda: SQS(shape=(2, 3), seed=1),
    "LearningSQS": lambda: LearningSQS(shape=2, role="hidden", seed=1),
    "s_in_kernel (4,)": lambda: SQSDense(weights=np.zeros((2, 3))),
    "QLIF": lambda: QLIF(shape=3, seed=1),
    "StochasticLIF": lambda: StochasticLIF(shape=3, seed=1),
    "s_out (2,)": lambda: SQSNetwork(spec=NET, parameters=network(), seed=1),
    "window=1": lambda: SQSLearningRule(),
    "0.9375": lambda: SQSRewardRule(4),
    "floating_pt": lambda: SQSSimCfg(),
    "not started": lambda: runtime(SQS(shape=1, seed=1), SQSSimCfg()),
    "epochs=2": lambda: SQSNN((), epochs=2),
    "n_readout=5": lambda: SQSNNRegressor((), n_readout=5),
    "momentum": lambda: Optimizer("sgd"),
    "minimum": lambda: Scale.learn(np.eye(3)),
    "1347 train": load_digits,
    "bias (2,)": lambda: LayerParams({"input": np.ones((2, 3))}, np.zeros(2), np.zeros((2, 3))),
    "currents (6, 2, 2)": lambda: forward(
        feed_forward(4, (), 2, LIFNeuron()),
        initialise(
            feed_forward(4, (), 2, LIFNeuron()), np.ones((5, 2, 4)), np.random.default_rng(0)
        ),
        np.ones((5, 2, 4)),
        [np.zeros((6, 2, 2))],
    )[0],
    "1 points": result,
    "delay": lambda: result().points[0],
    "memory_capacity": lambda: result().rows[0],
}


@pytest.mark.parametrize("shown", OBJECTS)
def test_a_prompt_shows_what_an_object_is(shown):
    text = repr(OBJECTS[shown]()) + str(OBJECTS[shown]())
    assert shown in text
    assert " object at 0x" not in text
    assert len(repr(OBJECTS[shown]())) < 500

"""Names that a Process does not have are refused with the one that takes their place."""

import warnings

import numpy as np
import pytest
from lava.proc.lif.process import LIF

from lava_sqs import QLIF, SQS, LearningSQS, SQSDense, StochasticLIF, ansatz
from lava_sqs.network import SQSNeuron, feed_forward
from lava_sqs.network.gradient import initialise
from lava_sqs.proc.sqsnn.process import SQSNetwork


def network(**more):
    spec = feed_forward(3, (4,), 2, SQSNeuron(ansatz.layered()))
    start = initialise(spec, np.ones((5, 8, 3)), np.random.default_rng(0))
    return SQSNetwork(**{"spec": spec, "parameters": start, "seed": 1, **more})


MAKE = {
    "SQS": lambda **more: SQS(shape=2, **more),
    "LearningSQS": lambda **more: LearningSQS(shape=2, role="hidden", **more),
    "QLIF": lambda **more: QLIF(shape=2, **more),
    "StochasticLIF": lambda **more: StochasticLIF(shape=2, **more),
    "SQSDense": lambda **more: SQSDense(weights=np.eye(2), **more),
    "SQSNetwork": network,
}
#: name, and what the answer must point to
BOTH = [
    *(("SQS", *pair) for pair in (
        ("vth", "p_spike"), ("v", "memory"), ("u", "current_scale"), ("du", "current_scale"),
        ("dv", "NoiseModel"), ("bias_mant", "`bias`"), ("bias_exp", "`bias`"),
        ("learning_rule", "LearningDense"), ("weights", "Dense"), ("angles", "`theta`"),
    )),
    ("LearningSQS", "vth", "p_spike"),
    ("LearningSQS", "bias_mant", "`bias`"),
    ("LearningSQS", "learning_rule", "connect_learning"),
    ("LearningSQS", "learning_rate", "`lr_theta`"),
    *(("QLIF", *pair) for pair in (
        ("vth", "`threshold`"), ("v", "`phi`"), ("dv", "`decay`"), ("bias_mant", "`bias`"),
        ("noise", "`decay`"), ("theta", "`phi`"),
    )),
    *(("StochasticLIF", *pair) for pair in (
        ("vth", "`threshold`"), ("u", "current_scale"), ("dv", "`leak`"), ("bias_mant", "`bias`"),
        ("noise", "`gain`"), ("theta", "`leak`"), ("memory", "`v`"),
    )),
    *(("SQSDense", *pair) for pair in (
        ("learning_rule", "`window`"), ("learning_rate", "`lr`"), ("tag_1", "`eligibility`"),
        ("shape", "`weights`"), ("num_message_bits", "as they are"), ("s_in_bap", "s_in_kernel"),
    )),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "name", "word"), BOTH)
def test_names_of_stock_processes_say_what_takes_their_place(kind, name, word):
    with pytest.raises(TypeError, match=f"^{kind} takes no argument '{name}'") as keyword:
        MAKE[kind](**{name: 3})
    process = MAKE[kind]()
    with pytest.raises(AttributeError, match=f"^{kind} has no attribute '{name}'") as read:
        getattr(process, name)
    with pytest.raises(AttributeError, match=f"^{kind} has no attribute '{name}'") as written:
        setattr(process, name, 3)
    for caught in (keyword, read, written):
        assert word in str(caught.value)


def test_every_var_and_parameter_of_a_lif_is_answered():
    lif = LIF(shape=(2,))
    for kind in ("SQS", "LearningSQS", "QLIF", "StochasticLIF"):
        process = MAKE[kind]()
        for var in lif.vars.member_names:
            if not hasattr(process, var):
                with pytest.raises(AttributeError) as caught:
                    getattr(process, var)
                assert len(str(caught.value).split("'.")[1]) > 20, f"{kind}.{var}"


@pytest.mark.parametrize(
    ("kind", "wrong", "right"),
    [
        ("SQS", "memory_qubit", "memory_qubits"),
        ("SQS", "Noise", "noise"),
        ("LearningSQS", "lr_tehta", "lr_theta"),
        ("LearningSQS", "memory_qubit", "memory_qubits"),  # handed on to SQS
        ("QLIF", "thresholds", "threshold"),
        ("SQSDense", "widow", "window"),
        ("SQSNetwork", "n_step", "n_steps"),
    ],
)
def test_misspelled_arguments_are_answered(kind, wrong, right):
    with pytest.raises(TypeError, match=f"takes no argument '{wrong}'. Did you mean '{right}'"):
        MAKE[kind](**{wrong: 1})


@pytest.mark.parametrize(
    ("kind", "wrong", "right"),
    [
        ("SQS", "p_spikes", "p_spike"),
        ("SQS", "recordings", "recording"),
        ("QLIF", "Threshold", "threshold"),
        ("SQSDense", "weight", "weights"),
        ("SQSNetwork", "hidden0_angles", "hidden0_theta"),
        ("SQSNetwork", "visible_weights", "visible_from_hidden0"),
        ("SQSNetwork", "visible_bais", "visible_bias"),
    ],
)
def test_misspelled_attributes_are_answered(kind, wrong, right):
    process = MAKE[kind]()
    for use in (lambda: getattr(process, wrong), lambda: setattr(process, wrong, 1)):
        with pytest.raises(AttributeError, match=f"'{wrong}'.*Did you mean '{right}'"):
            use()
    assert not hasattr(process, wrong)
    assert getattr(process, right) is not None


@pytest.mark.parametrize("kind", MAKE)
def test_nothing_that_exists_can_be_replaced_by_a_value(kind):
    process = MAKE[kind]()
    for var in process.vars.member_names:
        with pytest.raises(AttributeError, match=rf"{kind}\.{var} is a Var.*{var}\.set\("):
            setattr(process, var, 0.0)
    for port in (*process.in_ports.member_names, *process.out_ports.member_names):
        with pytest.raises(AttributeError, match=rf"{kind}\.{port} is a port"):
            setattr(process, port, None)
    for name in ("seed", "copies", "window", "spec"):
        if hasattr(type(process), name):
            with pytest.raises(AttributeError, match=rf"{kind}\.{name} is fixed when"):
                setattr(process, name, 1)
    process.name = "another"  # what is Lava's stays so
    process._mine = 1


def test_positional_arguments_and_other_type_errors():
    with pytest.raises(TypeError, match="SQS takes keyword arguments only: shape="):
        SQS(3)
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'shape'"):
        SQS()
    with pytest.raises(TypeError, match="`shape` must be an integer"):
        SQS(shape=2.5)

    class Mine(SQS):
        def __init__(self, mine, **rest):
            super().__init__(bias=_fails(wrong=mine), **rest)

    def _fails():
        raise AssertionError  # never called so

    with pytest.raises(TypeError, match=r"_fails\(\) got an unexpected"):  # not about Mine
        Mine(mine=1, shape=2)


class Handed(SQS):
    """A neuron of a user, which hands on what it does not know."""

    def __init__(self, *, mine=1, **sqs):
        super().__init__(**sqs)


@pytest.mark.parametrize(("wrong", "right"), [("shap", "shape"), ("min", "mine")])
def test_subclasses_answer_for_their_bases(wrong, right):
    with pytest.raises(TypeError, match=f"Handed takes no argument '{wrong}'.*'{right}'"):
        Handed(**{wrong: 1})


@pytest.mark.parametrize("bias", [45.5, 1.5, [0.2, 3.0]])
@pytest.mark.parametrize("kind", ["SQS", "LearningSQS", "QLIF"])
def test_a_bias_beyond_a_full_flip_is_warned_of_where_it_is_given(kind, bias):
    with pytest.warns(UserWarning, match=rf"`bias`.* reaches {np.max(bias):g}") as caught:
        MAKE[kind](bias=bias)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("bias", [1.0, 0.3, -45.5, [0.0, 1.0]])
@pytest.mark.parametrize("kind", ["SQS", "LearningSQS", "QLIF", "StochasticLIF"])
def test_any_other_bias_is_not(kind, bias):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MAKE[kind](bias=bias)


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("current_scale", "1"),
        ("current_scale", [1.0, 2.0]),
        ("current_scale", np.inf),
        ("reset_interval", 0),
        ("reset_interval", 2.5),
        ("reset_offset", 3),
        ("seed", -1),
        ("seed", 1.5),
    ],
)
def test_neurons_refuse_what_they_have_in_common_in_the_same_words(name, bad):
    words = set()
    for kind in ("SQS", "QLIF", "LearningSQS"):
        with pytest.raises((TypeError, ValueError)) as caught:
            MAKE[kind](**{name: bad})
        assert caught.value.argument == name
        words.add(str(caught.value))
    assert len(words) == 1


def test_what_a_process_says_of_itself_is_what_its_models_get():
    given = {"current_scale": 0.5, "reset_interval": 7, "reset_offset": 2, "seed": 5}
    sqs = SQS(shape=(2, 3), **given)
    assert {name: getattr(sqs, name) for name in given} == given
    assert sqs.shape == QLIF(shape=(2, 3)).shape == (2, 3)
    learning = LearningSQS(shape=2, role="hidden", window=3, gamma=0.5, baseline=1, **given)
    again = learning.replace(window=2)
    assert (learning.window, again.window) == (3, 2)
    assert again.proc_params["learning"]["gamma"] == 0.5
    assert {name: getattr(again, name) for name in given} == given
    assert (again.role, again.sends, again.trace_tau) == ("hidden", "scores", None)

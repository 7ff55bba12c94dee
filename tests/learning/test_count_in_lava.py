"""Networks that run free learn inside Lava what the offline rule says, number by number."""

import numpy as np
import pytest
from lava.proc.dense.process import LearningDense
from lava.proc.io.source import RingBuffer

from lava_sqs import (
    CountSoftmax,
    LearningSQS,
    SQSDense,
    SQSLearningRule,
    SQSSimCfg,
    ansatz,
    connect_count,
    connect_learning,
    runtime,
)
from lava_sqs._seeds import OUTCOMES, stream
from lava_sqs.network import SQSNeuron, feed_forward
from lava_sqs.network.count import PULL_BEHIND, aligned_weights, count_gradient
from lava_sqs.network.gradient import initialise
from lava_sqs.network.spec import INPUT
from lava_sqs.optimizers import Optimizer
from lava_sqs.quantum import NoiseModel

pytestmark = pytest.mark.filterwarnings("ignore:.*input currents exceed 1")
T, M, CLASSES, TEMPERATURE = 6, 5, 2, 3.0
RATES = {"weights": 0.05, "bias": 0.02, "angles": 0.03}
NOISE = NoiseModel(p_read1_given0=0.02, p_read0_given1=0.03, p_depol_2q=0.01)


class Streams:
    """The random numbers that the Processes draw, layer after layer, as count_gradient asks."""

    def __init__(self, seeds):
        self.streams, self.turn = [stream(s, OUTCOMES) for s in seeds], 0

    def random(self, shape):
        own = self.streams[self.turn % len(self.streams)]
        self.turn += 1
        return own.random(shape)


def task(samples, copies, seed=1):
    """Inputs (n, T, B, M) and labels (n, B): class 1 has more spikes in the second half."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, (samples, copies))
    rate = np.full((samples, T, copies, M), 0.4)
    rate[:, T // 2 :] += 0.3 * (2 * labels[:, None, :, None] - 1)
    return (rng.random(rate.shape) < rate).astype(float), labels


def network(hidden, *, skip, circuit, noise=None, per_class=2, seed=0):
    spec = feed_forward(M, hidden, CLASSES * per_class, SQSNeuron(circuit, noise), skip=skip)
    rng = np.random.default_rng(seed)
    inputs, _ = task(4, 8)
    start = initialise(spec, inputs.transpose(1, 0, 2, 3).reshape(T, -1, M), rng)
    for own in start.values():  # some currents below 0 and beyond 1: pulls and bounds take part
        own.bias = np.minimum(own.bias + rng.normal(-0.2, 0.5, own.bias.shape), 0.95)
    return spec, start, aligned_weights(spec, rng, 6.0)  # errors that meet their bound


def offline(spec, start, back, data, credit, optimizer, decay, per_update, seeds):
    """The trainer's updates, with the random numbers of Lava."""
    parameters = {name: own.copy() for name, own in start.items()}
    back = {layer: {s: b.copy() for s, b in of.items()} for layer, of in back.items()}
    ascent, rng, losses = Optimizer(optimizer), Streams(seeds), []
    for i in range(0, len(data[1]), per_update):
        sums = None
        for inputs, labels in zip(*(d[i : i + per_update] for d in data), strict=True):
            result = count_gradient(
                spec, parameters, inputs, labels, CLASSES, rng,
                inverse_temperature=1 / TEMPERATURE, credit=credit, back=back,
            )  # fmt: skip
            losses.append(result.log_likelihood)
            parts = {(n, k): a for n, g in result.gradient.items() for k, a in g.arrays().items()}
            sums = parts if sums is None else {k: sums[k] + a for k, a in parts.items()}
        for name, own in parameters.items():
            for kind, array in own.arrays().items():
                rate = RATES[kind.split(".")[0]]
                mean = sums[name, kind] / per_update
                moved = ascent.step(f"{name}.{kind}", mean, rate=rate)
                array += moved
                source = kind.partition(".")[2]
                if credit == "aligned" and source not in ("", INPUT):
                    back[name][source] += moved
                    back[name][source] *= 1 - decay
                    array *= 1 - decay
    return parameters, back, np.array(losses)


def inside(spec, start, back, data, credit, optimizer, decay, per_update, seeds, copies):
    """The same network in Lava, for feed_forward networks."""
    S = T + spec.depth
    update = {"update_interval": per_update * S, "optimizer": optimizer}
    layers, links, chain = {}, {}, []
    for layer, seed in zip(spec.layers, seeds, strict=True):
        own = start[layer.name]
        visible = layer is spec.visible
        layers[layer.name] = LearningSQS(
            shape=layer.size, role="visible" if visible else "hidden", objective="count",
            ansatz=layer.neuron.ansatz, noise=layer.neuron.noise, theta=own.angles, seed=seed,
            bias=own.bias.reshape((layer.size, -1) if layer.neuron.channels > 1 else layer.size),
            temperature=TEMPERATURE, lag=spec.lag(layer.name) if visible else None,
            pull=None if visible or INPUT in layer.sources else PULL_BEHIND,
            lr_theta=RATES["angles"], lr_bias=RATES["bias"], lr_weights=1.0,
            reset_interval=S, copies=copies, name=layer.name, **update,
        )  # fmt: skip
        for source in layer.sources:
            hears = {} if source == INPUT else {"credit": credit, "decay": decay}
            if hears and credit == "aligned":
                hears["feedback"] = back[layer.name][source]
            links[layer.name, source] = SQSDense(
                weights=own.weights[source], window=S - 1, lr=RATES["weights"], copies=copies,
                **hears, **update,
            )  # fmt: skip
        chain += [links[layer.name, layer.sources[0]], layers[layer.name]]
    softmax = connect_count(*chain, n_classes=CLASSES)
    trains = np.zeros((len(data[0]), S, *data[0].shape[2:]))
    trains[:, :T] = data[0]
    labels = np.repeat(data[1], S, axis=0).T.astype(float)
    RingBuffer(data=labels).s_out.connect(softmax.label_in)
    for (name, source), link in links.items():
        if source == INPUT:
            flat = np.moveaxis(trains.reshape(-1, *trains.shape[2:]), 0, -1)
            RingBuffer(data=flat.reshape(*link.s_in.shape, -1)).s_out.connect(link.s_in)
            if link not in chain:
                link.a_out.reshape(layers[name].a_in.shape).connect(layers[name].a_in)
                connect_learning(layers[name], link)
    with runtime(softmax, SQSSimCfg()) as net:
        net.run(len(trains) * S)
        parameters = {name: own.copy() for name, own in start.items()}
        for name, neurons in layers.items():
            own = parameters[name]
            own.angles, own.bias = neurons.theta.get(), neurons.bias.get().ravel()
            for source in own.weights:
                own.weights[source] = links[name, source].weights.get()
        back = {la: {s: links[la, s].feedback.get() for s in of} for la, of in back.items()}
    return parameters, back, softmax


def agree(hidden, credit="symmetric", *, optimizer="sgd", copies=None, skip=True, decay=0.0,
          per_update=1, circuit=None, noise=None, samples=6, behind=None):  # fmt: skip
    circuit = ansatz.layered() if circuit is None else circuit
    spec, start, back = network(hidden, skip=skip, circuit=circuit, noise=noise)
    if behind is not None:  # silent, so that it is pulled
        start["hidden1"].bias[:] = behind
    data, seeds = task(samples, copies or 1), [11, 12, 13][: len(spec.layers)]
    rule = (spec, start, back, data, credit, optimizer, decay, per_update, seeds)
    wanted, wanted_back, log_q = offline(*rule)
    got, got_back, softmax = inside(*rule, copies)
    for name, own in wanted.items():
        for kind, array in own.arrays().items():
            moved = np.abs(array - start[name].arrays()[kind])
            assert moved.max() > 1e-4, f"{name}.{kind} has learned nothing"
            np.testing.assert_allclose(
                got[name].arrays()[kind], array, rtol=0, atol=1e-9, err_msg=f"{name}.{kind}"
            )
    if credit == "aligned":
        for name, of in wanted_back.items():
            for source, array in of.items():
                assert np.abs(array - back[name][source]).max() > 1e-4
                np.testing.assert_allclose(got_back[name][source], array, rtol=0, atol=1e-9)
    np.testing.assert_allclose(softmax.recording.log_q, log_q, rtol=0, atol=1e-9)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_visible_neurons_learn_as_offline(optimizer):
    agree((), optimizer=optimizer)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize(("credit", "decay"), [("aligned", 0.01), ("symmetric", 0.0)])
def test_two_layers_learn_as_offline(credit, decay, optimizer):
    agree((4,), credit, decay=decay, optimizer=optimizer)


@pytest.mark.parametrize(
    "case",
    [
        {"hidden": (3, 4), "skip": False, "decay": 0.01, "noise": NOISE, "behind": -0.2},
        {"hidden": (3,), "copies": 3, "per_update": 2, "optimizer": "adam"},
        {"hidden": (3,), "circuit": ansatz.layered(2, 1), "copies": 2, "decay": 0.001},
    ],
    ids=["three layers, noisy", "mini-batches", "two io qubits"],
)
def test_other_networks_learn_as_offline(case):
    agree(credit="aligned", **case)


def test_the_comparison_sees_pulls_and_bounds(monkeypatch):
    spec, start, back = network((4, 3), skip=True, circuit=ansatz.layered())
    start["hidden1"].bias[:] = -0.2
    data, rule = task(6, 1), {"optimizer": "sgd", "decay": 0.0, "per_update": 1}
    run = {"credit": "aligned", "seeds": [11, 12, 13], **rule}
    as_is, *_ = offline(spec, start, back, data, **run)
    for constant, other, layer in (
        ("PULL", 0.0, "visible"),
        ("PULL_BEHIND", 0.0, "hidden1"),
        ("BOUND", 1e9, "hidden0"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(f"lava_sqs.network.credit.{constant}", other)
            changed, *_ = offline(spec, start, back, data, **run)
        assert np.abs(changed[layer].bias - as_is[layer].bias).max() > 1e-6, constant


# -- what it is for -------------------------------------------------------------------------------


def two_layers(copies=None, samples=None, credit="aligned", labels=None, **more):
    """A network for `task`; returns its parts by name."""
    S, rng = T + 2, np.random.default_rng(3)
    sample = {"objective": "count", "temperature": TEMPERATURE, "reset_interval": S,
              "lr_weights": 1.0, "lr_theta": 0.02, "lr_bias": 0.02, "copies": copies,
              "bias": 0.5}  # fmt: skip
    synapses = {"window": S - 1, "update_interval": S, "optimizer": "adam", "lr": 0.02,
                "copies": copies, **more}  # fmt: skip
    into = SQSDense(weights=rng.normal(0, 0.1, (8, M)), **synapses)
    hidden = LearningSQS(shape=8, role="hidden", seed=1, name="hidden", **sample)
    between = SQSDense(weights=rng.normal(0, 0.1, (6, 8)), credit=credit, **synapses)
    visible = LearningSQS(shape=6, role="visible", lag=2, seed=2, name="visible", **sample)
    softmax = connect_count(into, hidden, between, visible, n_classes=CLASSES, name="softmax")
    trains, truth = task(samples or 2, copies or 1)
    trains = np.pad(trains, ((0, 0), (0, 2), (0, 0), (0, 0)))
    flat = np.moveaxis(trains.reshape(-1, *trains.shape[2:]), 0, -1)
    RingBuffer(data=flat.reshape(*into.s_in.shape, -1)).s_out.connect(into.s_in)
    if labels is None:
        labels = np.repeat(truth, S, axis=0).T
    if labels is not False:
        RingBuffer(data=np.asarray(labels, dtype=float)).s_out.connect(softmax.label_in)
    return {"into": into, "hidden": hidden, "between": between, "visible": visible,
            "softmax": softmax}  # fmt: skip


def test_two_layers_learn_a_task_inside_lava():
    updates = 80
    parts = two_layers(copies=16, samples=updates)
    with runtime(parts["softmax"], SQSSimCfg()) as net:
        net.run(updates * (T + 2))
        w, b = parts["between"].weights.get().ravel(), parts["between"].feedback.get().ravel()
    loss = -parts["softmax"].recording.log_q.mean(axis=1)
    assert abs(loss[:5].mean() - np.log(2)) < 0.1
    assert loss[-10:].mean() < 0.45
    assert w @ b / np.sqrt((w @ w) * (b @ b)) > 0.8  # they came to agree from nothing


# -- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("label", [-1.0, 2.0, 0.5, np.nan])
def test_a_label_that_is_none_ends_the_run_with_a_reason(label):
    parts = two_layers(labels=np.full((1, 100), label))
    message = "CountSoftmax Process 'softmax' stopped at time step 8: Port 'label_in' must bring"
    with pytest.raises(RuntimeError, match=message), runtime(parts["softmax"], SQSSimCfg()) as net:
        net.run(20)


def test_only_the_label_of_the_last_step_counts():
    labels = np.full((1, 16), np.nan)
    labels[0, 7::8] = 1
    parts = two_layers(labels=labels)
    with runtime(parts["softmax"], SQSSimCfg()) as net:
        net.run(16)
    assert np.isfinite(parts["softmax"].recording.log_q).all()
    assert parts["softmax"].recording.predicted.shape == (2, 1)


@pytest.mark.parametrize("step", [3, 8, 9])
@pytest.mark.parametrize("port", ["input", "hidden neurons", "visible neurons"])
def test_what_is_not_finite_ends_the_run_with_a_reason(port, step):
    parts = two_layers()
    bad = {"input": parts["into"].s_in, "hidden neurons": parts["hidden"].a_in,
           "visible neurons": parts["visible"].a_third_factor_in}[port]  # fmt: skip
    data = np.zeros((*bad.shape, 16))
    data[0, step - 1] = np.nan
    RingBuffer(data=data).s_out.connect(bad)
    # Errors count in the last step of a sample, and no current does in the first.
    heard = {"input": True, "hidden neurons": step != 9, "visible neurons": step == 8}[port]
    with runtime(parts["softmax"], SQSSimCfg()) as net:
        if not heard:
            net.run(16)
            return
        with pytest.raises(RuntimeError, match=f"stopped at time step {step}"):
            net.run(16)


@pytest.mark.parametrize("process", ["softmax", "between", "hidden"])
def test_fixed_point_networks_do_not_learn(process):
    with (
        pytest.raises(ValueError, match="select_tag='fixed_pt'"),
        runtime(two_layers()[process], SQSSimCfg(select_tag="fixed_pt")),
    ):
        pass


@pytest.mark.parametrize("name", ["theta", "memory"])
def test_vars_are_set_between_samples_only(name):
    def run(before):
        parts = two_layers()
        with runtime(parts["softmax"], SQSSimCfg()) as net:
            net.run(before)
            var = getattr(parts["hidden"], name)
            value = np.zeros_like(var.get())
            var.set(value)
            net.run(16 - before)
            return parts["hidden"].theta.get()

    assert np.isfinite(run(8)).all()
    with pytest.raises(RuntimeError, match=f"Var '{name}' must be set between two samples"):
        run(5)


def started(process):
    with runtime(process, SQSSimCfg()):
        pass


def test_networks_that_would_learn_nonsense_do_not_start():
    with pytest.raises(ValueError, match="connected to label_in of CountSoftmax Process 'softmax'"):
        started(two_layers(labels=False)["softmax"])
    count = {"objective": "count", "reset_interval": 8, "temperature": 1.0}
    deaf = LearningSQS(shape=2, role="visible", name="deaf", **count)
    with pytest.raises(ValueError, match=r"connected to a_third_factor_in of .*connect_co"):
        started(deaf)
    other = LearningSQS(shape=2, role="visible", **count)
    softmax = CountSoftmax(n_classes=2, n_channels=2, temperature=2.0, reset_interval=8)
    RingBuffer(data=np.zeros((1, 8))).s_out.connect(softmax.label_in)
    other.count_out.connect(softmax.a_in)
    softmax.error_out.connect(other.a_third_factor_in)
    with pytest.raises(ValueError, match="must have the same temperature"):
        started(other)
    silent = SQSDense(weights=np.ones((2, 3)), window=7)
    hidden = LearningSQS(shape=3, role="hidden", **count)
    silent.error_out.connect(hidden.a_third_factor_in)
    with pytest.raises(ValueError, match="sends no errors"):
        started(hidden)
    between = SQSDense(weights=np.ones((2, 3)), window=7, credit="symmetric")
    hidden = LearningSQS(shape=3, role="hidden", **count)
    between.error_out.connect(hidden.a_third_factor_in)
    with pytest.raises(ValueError, match="does not drive it"):
        started(hidden)


def test_pairs_that_do_not_fit_are_refused():
    count = {"objective": "count", "reset_interval": 8, "temperature": 1.0}
    neurons = LearningSQS(shape=2, role="visible", **count)

    def dense(**more):
        return SQSDense(weights=np.ones((2, 3)), **{"window": 7, "update_interval": 8, **more})

    with pytest.raises(ValueError, match="window of its neurons, 7"):
        connect_learning(neurons, dense(window=3))
    for wrong in ({"update_interval": 1}, {"gamma": 0.5}):
        with pytest.raises(ValueError, match="multiple of 8"):
            connect_learning(neurons, dense(**wrong))
    stock = LearningDense(weights=np.ones((2, 3)), learning_rule=SQSLearningRule(1))
    with pytest.raises(TypeError, match="must be an SQSDense for neurons with objective='count'"):
        connect_learning(neurons, stock)
    clamped = LearningSQS(shape=2, role="visible", window=7)
    with pytest.raises(ValueError, match="no credit='aligned'"):
        connect_learning(clamped, dense(credit="aligned"))
    for chain, message in (
        ((), "`chain` must be connections and neurons in turn"),
        ((dense(),), "`chain` must be connections and neurons in turn"),
        ((dense(), clamped), "objective='likelihood'"),
        ((dense(), LearningSQS(shape=2, role="hidden", **count)), "role='visible'"),
        ((dense(), LearningSQS(shape=2, role="hidden", **count), dense(), neurons), "credit="),
    ):
        with pytest.raises(ValueError, match=message):
            connect_count(*chain, n_classes=2)
    with pytest.raises(TypeError, match=r"`chain\[0\]` must be an? SQSDense"):
        connect_count(neurons, dense(), n_classes=2)
    with pytest.raises(ValueError, match="`n_channels` must be a multiple of the 3 classes"):
        connect_count(dense(), neurons, n_classes=3)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"objective": "counts"}, ValueError, "Did you mean 'count'"),
        ({"reset_interval": None}, ValueError, "`reset_interval` must be given"),
        ({"reset_interval": 1}, ValueError, "`reset_interval` must be at least 2"),
        ({"reset_interval": 8.0}, TypeError, "`reset_interval` must be an integer"),
        ({"reset_offset": 0}, ValueError, "`reset_offset` must be 1"),
        ({"temperature": None}, ValueError, "`temperature` must be given"),
        ({"temperature": 0.0}, ValueError, "`temperature` must be above 0"),
        ({"objective": "likelihood"}, ValueError, "`temperature` belongs to objective='count'"),
        ({"window": 3}, ValueError, "`window` must be 7"),
        ({"update_interval": 12}, ValueError, "`update_interval` must be a multiple of the 8"),
        ({"gamma": 0.9}, ValueError, "`gamma` must be 1.0"),
        ({"lag": 8}, ValueError, "`lag` must be below the 8 steps"),
        ({"lag": 1, "role": "hidden"}, ValueError, "`lag` belongs to role='visible'"),
        ({"baseline": 0.1, "role": "hidden"}, ValueError, "`baseline` must be None"),
        ({"sends": "traces", "role": "hidden", "trace_tau": 1, "trace_impulse": 1}, ValueError,
         "`sends` must be 'scores'"),
    ],
)  # fmt: skip
def test_bad_arguments_of_neurons_are_named(arguments, error, message):
    good = {"objective": "count", "reset_interval": 8, "temperature": 1.0, "role": "visible"}
    with pytest.raises(error, match=message):
        LearningSQS(shape=2, **{**good, **arguments})


@pytest.mark.parametrize(
    ("make", "arguments", "error", "message"),
    [
        (SQSDense, {"credit": "align"}, ValueError, "Did you mean 'aligned'"),
        (SQSDense, {"credit": "aligned", "gamma": 1.0}, ValueError, "`gamma` must be 0"),
        (SQSDense, {"feedback": np.eye(2)}, ValueError, "`feedback` belongs to credit='aligned'"),
        (SQSDense, {"credit": "aligned", "feedback": np.eye(3)}, ValueError,
         r"`feedback` must have shape \(2, 2\)"),
        (SQSDense, {"credit": "aligned", "decay": 1.0}, ValueError,
         "`decay` must be at least 0 and below 1"),
        (CountSoftmax, {"n_classes": 1}, ValueError, "`n_classes` must be at least 2"),
        (CountSoftmax, {"n_channels": 5}, ValueError, "`n_channels` must be a multiple of the 2"),
        (CountSoftmax, {"temperature": -1}, ValueError, "`temperature` must be above 0"),
        (CountSoftmax, {"reset_interval": 1}, ValueError, "`reset_interval` must be at least 2"),
        (CountSoftmax, {"copies": 0}, ValueError, "`copies` must be at least 1"),
    ],
)  # fmt: skip
def test_bad_arguments_of_connections_are_named(make, arguments, error, message):
    good = {
        SQSDense: {"weights": np.eye(2)},
        CountSoftmax: {"n_classes": 2, "n_channels": 4, "temperature": 1.0, "reset_interval": 8},
    }
    with pytest.raises(error, match=message):
        make(**{**good[make], **arguments})

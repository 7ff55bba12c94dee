"""A neuron is added in the three steps of docs/tour.md, and everything works with it."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from lava_sqs import SQSNN, _lava, cli
from lava_sqs.network import AsPublishedNeuron, LayerSpec, LIFNeuron, NetworkSpec, feed_forward
from lava_sqs.network.gradient import initialise
from lava_sqs.neurons import BaseNeuron, kind_of, kinds, register, registry
from lava_sqs.neurons.base import compiled
from lava_sqs.quantum import NoiseModel

RNG = np.random.default_rng(0)
X = RNG.random((60, 4))
Y = (X[:, 0] > X[:, 1]).astype(int)


def make(**arguments):
    given = {"n_steps": 6, "epochs": 2, "random_state": 1, "neuron": "coin", "shots": 5}
    return SQSNN((6,), **{**given, **arguments})


@pytest.fixture
def coin(monkeypatch):
    """The class of the new kind, registered while a test lasts."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setattr(registry, "_REGISTERED", {})
    from coins import Coin

    yield register(Coin)
    for name in [n for n in sys.modules if n.partition(".")[0] == "coin_process"]:
        del sys.modules[name]


def test_it_is_listed(coin):
    from lava_sqs import neurons

    assert kinds() == (*registry._HOMES, "coin")
    assert kinds() == neurons.KINDS
    assert kind_of("coin") is coin
    assert register(coin) is coin  # its module may be executed again
    with pytest.raises(ValueError, match=r"`name` must be one of .*'coin'.*Did you mean 'coin'"):
        kind_of("coins")
    with pytest.raises(ValueError, match=r"`neuron` must be one of .*'coin'.*Did you mean 'coin'"):
        make(neuron="coins").fit(X, Y)


def test_it_learns_is_saved_and_loaded(coin, tmp_path):
    clf = make(encoder="current", epochs=30, learning_rate=0.1).fit(X, Y)
    assert clf.spec_.visible.neuron == coin(5)
    assert clf.score(X, Y) > 0.85
    clf.save(tmp_path / "coin.npz")
    again = SQSNN.load(tmp_path / "coin.npz")
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))


def test_a_file_of_an_unknown_kind_says_what_is_missing(coin, tmp_path, monkeypatch):
    make(epochs=1).fit(X, Y).save(tmp_path / "coin.npz")
    monkeypatch.setattr(registry, "_REGISTERED", {})
    with pytest.raises(ValueError, match=r"'coin', which is not registered.*lava_sqs.neurons.reg"):
        SQSNN.load(tmp_path / "coin.npz")


def test_it_runs_in_lava_as_offline(coin):
    clf = make(epochs=1).fit(X, Y)
    np.testing.assert_array_equal(clf.run_in_lava(X[:4], seed=3), clf.simulate(X[:4], seed=3))


def test_without_lava_it_learns_and_says_what_adds_lava(coin, monkeypatch):
    clf = make(epochs=1).fit(X, Y)
    monkeypatch.setitem(sys.modules, "lava", None)
    monkeypatch.setitem(sys.modules, "lava.magma", None)
    assert clf.predict(X).shape == Y.shape
    with pytest.raises(ModuleNotFoundError, match=re.escape(_lava.COMMAND)):
        clf.spec_.visible.neuron.to_process(np.zeros((2, 1)), np.zeros(2))
    with pytest.raises(TypeError, match="Neurons of kind 'as_published' have no Process"):
        AsPublishedNeuron().to_process(np.zeros((2, 3)), np.zeros(2))


def test_what_it_has_not_is_refused_by_name(coin):
    with pytest.raises(
        ValueError, match="`noise` belongs to neuron='sqs' or neuron='classical'; with 'coin'"
    ):
        make(noise=NoiseModel(p_reset=0.1)).fit(X, Y)
    with pytest.raises(
        ValueError,
        match="`rule` = 'window' belongs to neuron='sqs' or neuron='classical'; with 'coin'",
    ):
        make(rule="window").fit(X, Y)
    with pytest.raises(
        ValueError, match="`noise` needs neuron='sqs' or neuron='classical', but this is 'coin'"
    ):
        make(epochs=1).fit(X, Y).predict(X, noise=None)


def test_a_kind_with_noise_and_rules_is_asked_by_nobody_for_its_name(coin, monkeypatch):
    """Capabilities are what counts, not that it is the SQS neuron."""
    seen = []
    monkeypatch.setattr(coin, "takes_noise", True)
    monkeypatch.setattr(coin, "rules", ("exact", "window"))
    monkeypatch.setattr(
        coin, "with_noise", lambda self, noise: seen.append(noise) or self, raising=False
    )
    monkeypatch.setattr(
        coin, "window_score", lambda self, *data: self.score(*data[:4])[1], raising=False
    )
    noise = NoiseModel(p_reset=0.1)
    clf = make(noise=noise, rule="window", epochs=2).fit(X, Y)
    clf.predict(X, noise=None)
    assert set(seen) == {None}
    with pytest.raises(
        ValueError, match="`noise` belongs to neuron='sqs' or neuron='classical' or neuron='coin'"
    ):
        make(neuron="lif", noise=noise).fit(X, Y)


def test_the_command_line_lists_it(coin, capsys, monkeypatch):
    monkeypatch.setattr(coin, "summary", "thrown anew")
    with pytest.raises(SystemExit):
        cli.main(["train", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "lif: classical, stochastic; " in text
    assert "coin: thrown anew" in text


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        (LIFNeuron, ValueError, "`kind` must have a name that is not yet taken, but got 'lif'"),
        (LIFNeuron(), TypeError, "`kind` must be a subclass of lava_sqs.neurons.BaseNeuron"),
        (dict, TypeError, "`kind` must be a subclass"),
        (type("Nameless", (BaseNeuron,), {}), TypeError, "`name` must be text, but got None"),
        (type("Other", (LIFNeuron,), {"name": "qlif"}), ValueError, "not yet taken, .* 'qlif'"),
    ],
)
def test_what_cannot_be_registered(kind, error, message, monkeypatch):
    monkeypatch.setattr(registry, "_REGISTERED", {})
    with pytest.raises(error, match=message):
        register(kind)
    assert registry._REGISTERED == {}


def test_two_kinds_cannot_share_a_name(coin):
    with pytest.raises(ValueError, match="not yet taken, but got 'coin'"):
        register(type("Impostor", (coin,), {}))
    assert kind_of("coin") is coin


@pytest.mark.parametrize("name", registry._HOMES)
def test_the_table_and_the_classes_agree(name):
    assert kind_of(name).name == name
    assert kind_of(name).summary != BaseNeuron.summary


def test_neurons_need_not_have_the_base():
    """What the five members of the protocol say is enough, as it always was."""

    class Plain:
        channels, n_params = 1, 0

        def initial(self, size, rng):
            return np.zeros((size, 0))

        def run(self, params, z, u, clamp=None):
            return LIFNeuron().run(np.zeros((params.shape[0], 3)), z, u, clamp)

        def score(self, params, z, spikes, signal):
            return np.zeros(params.shape), np.zeros(z.shape)

    spec = feed_forward(3, (), 2, Plain())
    start = initialise(spec, np.ones((4, 2, 3)), np.random.default_rng(0))
    bound = compiled(spec.visible.neuron, start["visible"].angles)
    z, u = np.ones((4, 2, 2)), np.zeros((4, 2, 2))
    np.testing.assert_array_equal(
        bound.run(z, u).spikes, Plain().run(np.zeros((2, 0)), z, u).spikes
    )
    with pytest.raises(TypeError, match="`neuron` must be a neuron"):
        NetworkSpec(3, (LayerSpec("visible", 2, object(), ("input",)),))

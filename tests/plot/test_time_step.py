"""The picture of one time step."""

import matplotlib.pyplot as plt
import pytest

from lava_sqs.plot import draw_time_step
from lava_sqs.quantum import NoiseModel, Population, ansatz

ORDER = [
    "|0⟩", "reset error", "RX(πz)", "depol. if z > 0", "relax", "after encode",
    "gates of the layer", "depol. each gate", "relax", "after circuit",
    "measure Z", "readout error", "relax", "readout",
]  # fmt: skip


def boxes(ax):
    """Return (label, alpha) of every slot from left to right."""
    found = []
    for text in ax.texts:
        label = text.get_text().replace("\n", " ")
        names = [name for name in set(ORDER) if label.startswith(name)]
        if names and text.get_ha() == "center":
            x, y = text.get_position()
            found.append((y < -1, x, max(names, key=len), text.get_alpha()))
    return [(name, alpha) for _, _, name, alpha in sorted(found)]


def test_it_draws_every_slot_in_order_on_the_given_axes():
    _, ax = plt.subplots()
    assert draw_time_step(ax=ax) is ax
    assert [name for name, _ in boxes(ax)] == ORDER
    assert all(alpha == 1 for _, alpha in boxes(ax))
    assert draw_time_step() is not ax


def test_slots_without_effect_are_faint_and_numbers_are_shown():
    noise = NoiseModel(p_reset=0.0125, idle_time=2e-6).with_lindblad(
        hamiltonian=NoiseModel(t1=1e-5, t2=2e-5).collapse_operators(0)[0] * 0,
        duration=1e-6,
        slot="readout",
    )
    ax = draw_time_step(noise)
    faint = {name for name, alpha in boxes(ax) if alpha < 1}
    assert faint == set(ORDER) - {
        "|0⟩", "reset error", "RX(πz)", "gates of the layer", "measure Z", "readout",
    }  # fmt: skip
    assert any("0.013" in text.get_text() for text in ax.texts)
    preset = draw_time_step(NoiseModel.preset("ibm_torino"))
    assert preset.get_title() == "One time step: ibm_torino"
    assert any("1560 ns" in text.get_text() for text in preset.texts)


def test_it_refuses_what_is_no_noise_model():
    with pytest.raises(TypeError, match="`noise` must be a NoiseModel"):
        draw_time_step("ibm_torino")


def test_it_takes_the_noise_of_what_has_one():
    noisy = Population(ansatz.paper(), size=1, noise=NoiseModel.preset("ibm_fez"), seed=0)
    assert draw_time_step(noisy).get_title() == "One time step: ibm_fez"
    noiseless = draw_time_step(noisy.with_noise(None))
    solid = {name for name, alpha in boxes(noiseless) if alpha == 1}
    assert solid == {"|0⟩", "RX(πz)", "gates of the layer", "measure Z"}


def test_letters_shrink_with_the_axes():
    wide, narrow = (
        draw_time_step(ax=plt.figure(figsize=(w, w / 4)).add_subplot()) for w in (16, 6)
    )
    sizes = [ax.texts[-1].get_fontsize() for ax in (wide, narrow)]
    assert sizes[1] < sizes[0] / 1.5

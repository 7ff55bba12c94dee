"""A neuron without memory, to be added by following docs/tour.md: a biased coin."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import expit

from lava_sqs.neurons import BaseNeuron, RunOut


@dataclass(frozen=True)
class Coin(BaseNeuron):
    """P(1) = sigma(slope (z - 1/2) + tilt); the slope is the constant `shots`, to have one."""

    name: ClassVar[str] = "coin"
    param_names: ClassVar[tuple[str, ...]] = ("tilt",)
    arguments: ClassVar[tuple[str, ...]] = ("shots",)
    process: ClassVar[str] = "coin_process.process:CoinProcess"

    shots: int = 4

    def initial(self, size, rng):
        return rng.normal(0.0, 0.1, (size, 1))

    def run(self, params, z, u, clamp=None):
        p = expit(self.shots * (z - 0.5) + params[:, 0])
        spikes = (u >= 1 - p).astype(np.int8)
        if clamp is not None:
            spikes = np.where(clamp >= 0, clamp, spikes).astype(np.int8)
        return RunOut(spikes, p, np.log(np.where(spikes == 1, p, 1 - p)))

    def score(self, params, z, spikes, signal):
        d = signal * (spikes - expit(self.shots * (z - 0.5) + params[:, 0]))
        return d.sum(axis=(0, 1))[:, None], self.shots * d

    def process_arguments(self, params, bias):
        return {**super().process_arguments(params, bias), "slope": self.shots}

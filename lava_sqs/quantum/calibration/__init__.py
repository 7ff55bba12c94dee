"""Calibration: the noise model that makes the spike trains of a device most likely."""

from lava_sqs.quantum.calibration.result import NoiseFit

__all__ = ["NoiseFit"]

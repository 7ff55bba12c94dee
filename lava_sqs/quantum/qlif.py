"""Moved to :mod:`lava_sqs.neurons.qlif`; these are the same names."""

from lava_sqs.neurons.qlif import firing_probability, leak, rotate

__all__ = ["firing_probability", "leak", "rotate"]

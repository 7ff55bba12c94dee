"""Pictures: one family per file; every function takes and returns ``ax``.

They take what the library returns (runs, recordings, Processes, networks, studies) or arrays,
change no global state, and open a figure of their own only where ``ax`` is None.
"""

from lava_sqs.plot.bloch import bloch_trajectory
from lava_sqs.plot.circuit import draw_circuit
from lava_sqs.plot.classification import confusion_matrix
from lava_sqs.plot.lava_graph import network
from lava_sqs.plot.learning import learning_curve, sensitivity_kernel
from lava_sqs.plot.memory import memory_capacity, memory_entropy, memory_purity
from lava_sqs.plot.spikes import raster, spike_probability
from lava_sqs.plot.study import draw_presets, plot_heatmap, plot_study
from lava_sqs.plot.time_step import draw_time_step

__all__ = [
    "bloch_trajectory",
    "confusion_matrix",
    "draw_circuit",
    "draw_presets",
    "draw_time_step",
    "learning_curve",
    "memory_capacity",
    "memory_entropy",
    "memory_purity",
    "network",
    "plot_heatmap",
    "plot_study",
    "raster",
    "sensitivity_kernel",
    "spike_probability",
]

"""Pictures: one family per file; every function takes and returns ``ax``."""

from lava_sqs.plot.circuit import draw_time_step
from lava_sqs.plot.spikes import memory_purity, raster

__all__ = ["draw_time_step", "memory_purity", "raster"]

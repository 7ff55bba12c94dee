"""Pictures: one family per file; every function takes and returns ``ax``."""

from lava_sqs.plot.circuit import draw_time_step

__all__ = ["draw_time_step"]

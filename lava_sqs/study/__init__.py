"""Noise studies: sweeps that survive the night and scale out.

A :class:`Study` runs a task over a grid of parameters and writes one row per finished batch; a
:class:`StudyResult` adds the rows up. See docs/studies.md.
"""

from lava_sqs.study.counts import Counts
from lava_sqs.study.intervals import Interval, interval
from lava_sqs.study.plan import Point, Stop
from lava_sqs.study.plan.noise import noise_from
from lava_sqs.study.result import PointResult, StudyResult
from lava_sqs.study.run.runner import Progress, StudyError
from lava_sqs.study.store import Row, StoreError, StudyWarning, combine, read_rows
from lava_sqs.study.study import Study
from lava_sqs.study.tasks.capacity import MemoryCapacityTask, circuit_from
from lava_sqs.study.tasks.networks import Accuracy, Training, quantised

__all__ = [
    "Accuracy",
    "Counts",
    "Interval",
    "MemoryCapacityTask",
    "Point",
    "PointResult",
    "Progress",
    "Row",
    "Stop",
    "StoreError",
    "Study",
    "StudyError",
    "StudyResult",
    "StudyWarning",
    "Training",
    "circuit_from",
    "combine",
    "interval",
    "noise_from",
    "quantised",
    "read_rows",
]

"""What a study runs: any picklable function, and the tasks that come with the package."""

from lava_sqs.study.tasks.capacity import MemoryCapacityTask, circuit_from
from lava_sqs.study.tasks.networks import Accuracy, Training, quantised

__all__ = ["Accuracy", "MemoryCapacityTask", "Training", "circuit_from", "quantised"]

"""Running a study: which batch is next, where it runs, and what a task raised there."""

from lava_sqs.study.run.runner import Progress, StudyError

__all__ = ["Progress", "StudyError"]

"""Lava Processes: one folder each, the interface in process.py, the behaviour in models.py."""

import lava_sqs._start_method  # noqa: F401 - first: it makes Lava importable

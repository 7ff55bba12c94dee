"""Stochastic quantum spiking neurons for Intel Lava.

The names below are loaded when they are first used, so that ``import lava_sqs.quantum`` needs no
Lava.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lava_sqs._version import __version__
    from lava_sqs.learning.rules import SQSLearningRule, SQSRewardRule, connect_learning
    from lava_sqs.network import SQSNN
    from lava_sqs.proc.learning_sqs.process import LearningSQS
    from lava_sqs.proc.qlif.process import QLIF
    from lava_sqs.proc.sqs.process import SQS
    from lava_sqs.proc.sqs_dense.process import SQSDense
    from lava_sqs.quantum import ansatz
    from lava_sqs.quantum.instrument import instrument
    from lava_sqs.quantum.noise import NoiseModel
    from lava_sqs.quantum.population import Population
    from lava_sqs.running import SQSSimCfg, runtime
    from lava_sqs.study import Study

__all__ = [
    "QLIF",
    "SQS",
    "SQSNN",
    "LearningSQS",
    "NoiseModel",
    "Population",
    "SQSDense",
    "SQSLearningRule",
    "SQSRewardRule",
    "SQSSimCfg",
    "Study",
    "__version__",
    "ansatz",
    "connect_learning",
    "instrument",
    "runtime",
]

# public name -> the module that has it
_HOMES = {
    "LearningSQS": "lava_sqs.proc.learning_sqs.process",
    "NoiseModel": "lava_sqs.quantum",
    "Population": "lava_sqs.quantum",
    "QLIF": "lava_sqs.proc.qlif.process",
    "SQS": "lava_sqs.proc.sqs.process",
    "SQSDense": "lava_sqs.proc.sqs_dense.process",
    "SQSLearningRule": "lava_sqs.learning.rules",
    "SQSRewardRule": "lava_sqs.learning.rules",
    "SQSNN": "lava_sqs.network",
    "SQSSimCfg": "lava_sqs.running",
    "Study": "lava_sqs.study",
    "__version__": "lava_sqs._version",
    "ansatz": "lava_sqs.quantum",
    "connect_learning": "lava_sqs.learning.rules",
    "instrument": "lava_sqs.quantum.instrument",
    "runtime": "lava_sqs.running",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""Stochastic quantum spiking neurons for Intel Lava.

The names below are loaded when they are first used, so that ``import lava_sqs.quantum`` needs no
Lava. Where Lava is missing, so are those that need it, and importing one says what adds it.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys

from lava_sqs import _moved

# Little is imported before the command line can answer Ctrl-C. Checkers know this name.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lava_sqs._version import __version__
    from lava_sqs.execution.inline.everywhere import use_inline
    from lava_sqs.execution.running import SQSSimCfg, runtime
    from lava_sqs.network import SQSNN, Conv2D, LIFLayer, QLIFLayer, SQSLayer, SQSNNRegressor
    from lava_sqs.proc.count_softmax.process import CountSoftmax
    from lava_sqs.proc.fixed_point import to_fixed_point
    from lava_sqs.proc.learning_sqs.process import LearningSQS
    from lava_sqs.proc.qlif.process import QLIF
    from lava_sqs.proc.rules import SQSLearningRule, SQSRewardRule, connect_count, connect_learning
    from lava_sqs.proc.sqs.process import SQS
    from lava_sqs.proc.sqs_dense.process import SQSDense
    from lava_sqs.proc.stochastic_lif.process import StochasticLIF
    from lava_sqs.quantum import ansatz
    from lava_sqs.quantum.instrument import instrument
    from lava_sqs.quantum.noise import NoiseModel
    from lava_sqs.quantum.population import Population
    from lava_sqs.study import Study

__all__ = [
    "QLIF",
    "SQS",
    "SQSNN",
    "Conv2D",
    "CountSoftmax",
    "LIFLayer",
    "LearningSQS",
    "NoiseModel",
    "Population",
    "QLIFLayer",
    "SQSDense",
    "SQSLayer",
    "SQSLearningRule",
    "SQSNNRegressor",
    "SQSRewardRule",
    "SQSSimCfg",
    "StochasticLIF",
    "Study",
    "__version__",
    "ansatz",
    "connect_count",
    "connect_learning",
    "instrument",
    "runtime",
    "to_fixed_point",
    "use_inline",
]

# public name -> the module that has it
_HOMES = {
    "Conv2D": "lava_sqs.network",
    "CountSoftmax": "lava_sqs.proc.count_softmax.process",
    "LIFLayer": "lava_sqs.network",
    "LearningSQS": "lava_sqs.proc.learning_sqs.process",
    "NoiseModel": "lava_sqs.quantum",
    "Population": "lava_sqs.quantum",
    "QLIF": "lava_sqs.proc.qlif.process",
    "QLIFLayer": "lava_sqs.network",
    "SQS": "lava_sqs.proc.sqs.process",
    "SQSDense": "lava_sqs.proc.sqs_dense.process",
    "SQSLayer": "lava_sqs.network",
    "SQSLearningRule": "lava_sqs.proc.rules",
    "SQSRewardRule": "lava_sqs.proc.rules",
    "SQSNN": "lava_sqs.network",
    "SQSNNRegressor": "lava_sqs.network",
    "SQSSimCfg": "lava_sqs.execution.running",
    "StochasticLIF": "lava_sqs.proc.stochastic_lif.process",
    "Study": "lava_sqs.study",
    "__version__": "lava_sqs._version",
    "ansatz": "lava_sqs.quantum",
    "connect_count": "lava_sqs.proc.rules",
    "connect_learning": "lava_sqs.proc.rules",
    "instrument": "lava_sqs.quantum.instrument",
    "runtime": "lava_sqs.execution.running",
    "to_fixed_point": "lava_sqs.proc.fixed_point",
    "use_inline": "lava_sqs.execution.inline.everywhere",
}


_NEED_LAVA = {
    "CountSoftmax",
    "LearningSQS",
    "QLIF",
    "SQS",
    "SQSDense",
    "SQSLearningRule",
    "SQSRewardRule",
    "SQSSimCfg",
    "StochasticLIF",
    "connect_count",
    "connect_learning",
    "runtime",
    "to_fixed_point",
    "use_inline",
}

if importlib.util.find_spec("lava") is None:
    __all__ = [name for name in __all__ if name not in _NEED_LAVA]


_moved.install()


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = importlib.import_module(_HOMES[name])
    except ModuleNotFoundError as error:
        if error.name != "lava":
            raise
        # hasattr() must be False. `from lava_sqs import SQS` asks the same first, and looks for a
        # module of that name next: there it hears why.
        if _SayWhy not in sys.meta_path:
            sys.meta_path.append(_SayWhy)
        raise AttributeError(str(error)) from error
    value = getattr(module, name)
    globals()[name] = value
    return value


class _SayWhy:
    """Finds no module, but says that Lava is missing when a name that needs it is imported."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        package, _, last = name.rpartition(".")
        if package == __name__ and last in _NEED_LAVA:
            importlib.import_module(_HOMES[last])  # raises


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""Running Lava networks so that they never hang and never lie."""

from lava_sqs import _start_method  # noqa: F401 - first: it makes Lava importable

# isort: split
from lava_sqs.execution.inline.everywhere import use_inline
from lava_sqs.execution.networks import run_network
from lava_sqs.execution.running import SQSSimCfg, runtime

__all__ = [
    "SQSSimCfg",
    "run_network",
    "runtime",
    "use_inline",
]

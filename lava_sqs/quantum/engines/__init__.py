"""Engines: what moves the memories of a population."""

# Names that this module had when it was one file; each has a home of its own.
from lava_sqs.quantum.engines.base import Engine as Engine
from lava_sqs.quantum.engines.instrument import InstrumentEngine as InstrumentEngine
from lava_sqs.quantum.engines.literal import LiteralEngine as LiteralEngine
from lava_sqs.quantum.states import check_states as check_states
from lava_sqs.quantum.states import ground_state as ground_state

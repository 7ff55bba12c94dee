"""How :class:`lava_sqs.runtime` runs a network in this process; no part of the public API.

Lava's Compiler and builders make the same network as for many processes; here

- `channels.py` has channels in memory, and ports of models that use them without detours,
- `build.py` makes the models as a fork would see them, and says who cannot be run so,
- `turns.py` runs a phase: one model after the other, and another one where one has to wait,
- `steps.py` is LoihiProtocol: which phase a model takes part in,
- `engine.py` is Lava's Runtime on top: runs, pauses, Vars, recordings, and ends,
- `alarm.py` hears Ctrl-C and the clock, `rows.py` keeps what is recorded,
- `everywhere.py` lets `process.run(...)` of stock code use it.
"""

from lava_sqs import _start_method as start_method  # noqa: F401 - before anything imports Lava

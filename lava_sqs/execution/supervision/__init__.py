"""How :class:`lava_sqs.runtime` keeps a network from hanging; no part of the public API.

Lava gives each ProcessModel and each runtime service its own operating-system process, a child,
and waits for them without a limit and without looking whether they live. Here

- `child.py` runs in each child and reports to a board in shared memory; `ledger.py` has what is
  recorded there,
- `children.py` is the parent's view of them: what failed, who waits for whom, and their end,
- `guards.py` stands where the parent waits, `requests.py` checks what the user asks,
- `supervised.py` is Lava's Runtime with every wait watched.
"""

from lava_sqs import _start_method as start_method  # noqa: F401 - before anything imports Lava

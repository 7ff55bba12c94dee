"""The rows of the fault matrix: what is promised of lava_sqs."""

import statistics
from dataclasses import dataclass, replace

#: Every Process of ours; SQSNetwork is a network of layers, SQSDense stands in a network that
#: learns.
OURS = ("SQS", "LearningSQS", "SQSDense", "QLIF", "StochasticLIF", "SQSNetwork")
#: Processes whose failures are tried in tests of their own: here tests/learning/test_count_in_lava.
ELSEWHERE = ("CountSoftmax",)
STOCK = "LIF"
#: Who runs the networks: stock Lava its own, `runtime` ours, with either engine.
ENGINES = ("processes", "inline")
SECONDS = '| seconds from the event to the end | `engine="processes"` | `engine="inline"` |'
HEAD = '| event | stock Lava 0.10.0 | `engine="processes"` | `engine="inline"` |\n|---|---|---|---|'


@dataclass(frozen=True)
class Row:
    """An event and what lava_sqs promises then.

    Attributes
    ----------
    promise : str
        For the table.
    raises : str or None
        Type of the exception. None: it works.
    says : tuple of str
        What the exception says, among more.
    subjects : tuple of str
        What it is tested with.
    limit : float
        Seconds from the event to the end.
    alone : bool
        Whether the program ends with the event, so that each subject needs one.
    """

    promise: str
    raises: str | None = None
    says: tuple[str, ...] = ()
    subjects: tuple[str, ...] = OURS
    limit: float = 10.0
    alone: bool = False


FAILED = ("'target", "time step 3", "in run_spk of Py", "ArithmeticError: the deed is done")
NETWORKS = ("SQS", "SQSNetwork")

ROWS = {
    "exception in a model before its sends": Row(
        "RuntimeError with Process, time step, cause and line", "RuntimeError", FAILED
    ),
    "exception in a model after its sends": Row(
        "RuntimeError with Process, time step, cause and line", "RuntimeError", FAILED
    ),
    "exception while a model is built": Row(
        "RuntimeError with Process, cause and line",
        "RuntimeError",
        ("'target", "while its model Py", "ArithmeticError: the deed is done"),
    ),
    "NaN currents from upstream": Row(
        "RuntimeError with Process, time step and cause",
        "RuntimeError",
        ("'target", "time step", "finite"),
    ),
    "ports of unequal shapes connected": Row(
        "AssertionError with Process, port and shapes",
        "AssertionError",
        ("'target'", "(5,)", "incompatible"),
    ),
    "a model sends an array of another shape": Row(
        "RuntimeError with Process, time step, cause and line",
        "RuntimeError",
        ("'target", "time step 3", "in run_spk of Py", "(7,)", "cell.py"),
    ),
    "a model waits for a message that never comes": Row(
        "TimeoutError (`timeout=2`) that says which Process waits on which port",
        "TimeoutError",
        ("'target", "waits on port", "to receive from"),
    ),
    "SIGKILL of a model's process": Row(
        "RuntimeError with Process, time step and signal",
        "RuntimeError",
        ("'target", "time step 3", "killed by SIGKILL"),
    ),
    "Ctrl-C in a terminal": Row("KeyboardInterrupt; the next network works", "KeyboardInterrupt"),
    "Ctrl-C twice in a terminal": Row("KeyboardInterrupt", "KeyboardInterrupt", alone=True),
    "Ctrl-C in a notebook": Row(
        "KeyboardInterrupt; the next network works", "KeyboardInterrupt", subjects=NETWORKS
    ),
    "Ctrl-C twice in a notebook": Row(
        "KeyboardInterrupt; the next network works", "KeyboardInterrupt", subjects=NETWORKS
    ),
    "SIGTERM of the main process": Row("all processes end", alone=True),
    "stop() twice": Row("works"),
    "stop() forgotten": Row("the network ends with the interpreter", alone=True),
    "run() after stop()": Row(
        "RuntimeError that says what to do",
        "RuntimeError",
        ("'target'", "it was stopped", "build the Processes again"),
    ),
    "multiprocessing used before the import": Row("works"),
    "/dev/shm too small": Row(
        "OSError that says what is short", "OSError", ("'target'", "/dev/shm"), NETWORKS
    ),
    "two networks in one process": Row("works, each as it would alone"),
    "100 networks in sequence": Row("works", subjects=("SQS",), limit=200.0),
    "in workers of pytest-xdist": Row("works", subjects=NETWORKS, limit=90.0),
}


#: What is otherwise in one process. None: it cannot happen there.
INLINE = {
    "a model waits for a message that never comes": {
        "promise": "TimeoutError at once that says which Process waits on which port"
    },
    "SIGKILL of a model's process": None,
    "/dev/shm too small": {"promise": "works", "raises": None, "says": ()},
}


def row_of(event, engine):
    """Return what is promised of an engine; None if the event cannot happen to it."""
    change = INLINE.get(event, {}) if engine == "inline" else {}
    return None if change is None else replace(ROWS[event], **change)


def cells():
    """Return all cells: (event, subject, engine)."""
    ours = [
        (event, name, engine)
        for event, row in ROWS.items()
        for engine in ENGINES
        if row_of(event, engine) is not None
        for name in row.subjects
    ]
    return [*((event, STOCK, "stock") for event in ROWS), *ours]


def programs(chosen):
    """Return the programs that run cells: (event, subjects, engine), the longest first."""
    programs = []
    for event, row in ROWS.items():
        if (event, STOCK, "stock") in chosen:
            programs.append((event, (STOCK,), "stock"))
        for engine in ENGINES:
            ours = tuple(name for name in row.subjects if (event, name, engine) in chosen)
            programs += (
                [(event, (name,), engine) for name in ours]
                if row.alone
                else [(event, ours, engine)] * bool(ours)
            )
    return sorted(programs, key=lambda program: -ROWS[program[0]].limit)


def kept(event, engine, results):
    """Say of what the promise was kept: of *results*, subject to "ok" or "FAILED"."""
    row = row_of(event, engine)
    if row is None:
        return "there is no such process"
    failed = [name for name, result in results.items() if result != "ok"]
    if failed:
        return f"FAILED with {', '.join(failed)}"
    names = "all six" if set(results) == set(OURS) else ", ".join(results)
    return f"{row.promise}: {names}" if results else ""


def markdown(table):
    """Return the table, from event to (subject, engine) to result."""
    lines = [HEAD]
    for event in ROWS:
        if event in table:
            columns = [table[event].get((STOCK, "stock"), "")]
            for engine in ENGINES:
                ours = {n: result for (n, e), result in table[event].items() if e == engine}
                columns.append(kept(event, engine, ours))
            lines.append(f"| {event} | {' | '.join(columns)} |")
    return "\n".join(lines)


def seconds_of(seconds):
    """Return a table of the seconds of (event, engine): the median and the longest."""
    lines = [SECONDS, "|---|---|---|"]
    for event in ROWS:
        cells = []
        for engine in ENGINES:
            taken = seconds.get((event, engine), [])
            most = f" ({max(taken):.2f})" if len(taken) > 1 else ""
            cells.append(f"{statistics.median(taken):.2f}{most}" if taken else "")
        if any(cells):
            lines.append(f"| {event} | {' | '.join(cells)} |")
    return "\n".join(lines)

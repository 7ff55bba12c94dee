"""Run a row of the fault matrix in a process of its own, with a deadline, and say what happened."""

import contextlib
import functools
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import psutil

HERE = Path(__file__).parent

#: The parent of cell.py: takes the terminal, makes a /dev/shm of its own, and tells what is left
#: there. An ignored signal would stay ignored in the cell, one with a handler does not.
SHELL = """
trap : INT
[ -z "$CELL_TERMINAL" ] || exec <"$CELL_TERMINAL"
[ "$CELL_SHM" = shared ] || mount -t tmpfs -o size="$CELL_SHM" tmpfs /dev/shm
"$@"
code=$?
[ "$CELL_SHM" = shared ] || ls /dev/shm | sed 's/^/::file /'
exit $code
"""

#: Seconds that a cell has before the event: the imports of a busy machine.
PREPARATION = 120.0


@functools.cache
def has_namespaces():
    """Whether this machine lets us mount a /dev/shm of our own."""
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/dev/shm"]
    return shutil.which("unshare") is not None and subprocess.run(command).returncode == 0


@dataclass
class Outcome:
    """What a cell did.

    Attributes
    ----------
    place : str
        Where the program was last.
    over : bool
        Whether it ended by itself, in time.
    code : int
        Its exit code, above 128 for a signal.
    raised : list of (str, str)
        Type and text of exceptions, in their order.
    works : bool
        Whether what should have worked has.
    seconds : float
        From the event to the end.
    left : dict of str to int
        What the program holds at its end and did not hold before; what outlives it.
    output : str
    """

    place: str = "import"
    over: bool = True
    code: int = 0
    raised: list = field(default_factory=list)
    works: bool = False
    seconds: float = 0.0
    left: dict = field(default_factory=dict)
    output: str = ""

    def summary(self):
        """Say in a few words what happened, for the table."""
        words = [
            kind if kind == "KeyboardInterrupt" or names_the_cause(text) else f"{kind}, no cause"
            for kind, text in self.raised[:1]
        ]
        if not self.over:
            words.append(
                "the interpreter never exits" if self.place == "exit" else f"{self.place} hangs"
            )
        elif self.code == 128 + signal.SIGSEGV:
            words.append(f"segmentation fault in {self.place}")
        elif self.code == 128 + signal.SIGTERM:
            words.append("ends")
        elif not self.raised:
            words.append("works" if self.works else "nothing is said")
        left = ", ".join(f"{number} {what}" for what, number in self.left.items())
        return ", then ".join(words) + (f"; leaves {left}" if left and self.over else "")


def names_the_cause(text):
    """Whether an error says, in one way or another, what has happened."""
    causes = ("the deed", "finite", "(7,)", "waits on", "SIGKILL", "No space", "/dev/shm")
    causes += ("incompatible", "context has already", "was stopped")
    return any(cause in text for cause in causes)


def run_cells(event, subjects, limit, engine):
    """Let an event happen to each subject; return {subject: Outcome} of those that it came to.

    *limit* is in seconds from the event to the end.
    """
    mark, terminal = uuid.uuid4().hex, "in a terminal" in event
    ours, theirs = pty.openpty() if terminal else os.pipe()
    private = has_namespaces()
    environment = {
        **os.environ,
        "CELL": mark,
        "CELL_EVENT": event,
        "CELL_SUBJECTS": " ".join(subjects),
        "CELL_ENGINE": engine,
        "CELL_TERMINAL": os.ttyname(theirs) if terminal else "",
        "CELL_SHM": ("16k" if "/dev/shm" in event else "1g") if private else "shared",
        "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[1])]),
    }
    command = ["sh", "-c", SHELL, "cell", sys.executable, "-u", str(HERE / "cell.py")]
    program = subprocess.Popen(
        ["unshare", "-rm", *command] if private else command,
        stdin=theirs if terminal else subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        watch = _Watch(program, ours, event, subjects[0], limit)
        while watch.going():
            watch.read()
        watch.end()
        last = watch.outcome
        if last.over:
            patience = time.monotonic() + 3  # helpers of multiprocessing end a moment later
            while (orphans := len(marked(mark))) and time.monotonic() < patience:
                time.sleep(0.05)
            if orphans:
                last.left["process(es)"] = orphans
        return watch.outcomes
    finally:
        for process in marked(mark):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        program.wait()
        os.close(ours)


def marked(mark):
    """Return the processes of a row: all that inherited its environment."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("CELL") == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


class _Watch:
    """Read what a program says, and do to it what the event asks."""

    def __init__(self, program, source, event, subject, limit):
        self.program, self.source, self.event, self.limit = program, source, event, limit
        self.outcomes, self.pid, self.rest, self.closed = {}, program.pid, b"", False
        self.begin(subject)

    def begin(self, subject):
        """Turn to a subject."""
        self.outcome = self.outcomes[subject] = Outcome()
        self.held, self.deeds, self.happened = [], [], None
        self.deadline = time.monotonic() + PREPARATION

    def happens(self):
        """Start the clock."""
        self.happened = time.monotonic()
        self.deadline = self.happened + self.limit

    def going(self):
        """Whether the program runs, or has said more than was read."""
        if time.monotonic() > self.deadline:
            self.outcome.over = False
            return False
        return not self.closed or self.program.poll() is None

    def read(self):
        """Read for a moment; do what is due."""
        while self.deeds and self.deeds[0][0] <= time.monotonic():
            _, act = self.deeds.pop(0)
            if self.happened is None:
                self.happens()
            act()
        if self.closed or not select.select([self.source], [], [], 0.05)[0]:
            # An orphan may hold the other end for ever.
            self.closed = self.program.poll() is not None
            time.sleep(0.01)
            return
        try:
            data = os.read(self.source, 65536)
        except OSError:  # the other end of the terminal is closed
            data = b""
        self.closed = not data
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.hear(line.decode(errors="replace").rstrip("\r"))

    def hear(self, line):
        """Take up a line."""
        outcome = self.outcome
        outcome.output += line + "\n"
        word, _, value = line.replace("^C", "").partition(" ")  # what a terminal echoes
        if not word.startswith("::"):
            return
        if word == "::file":
            outcome.left["file(s) in /dev/shm"] = outcome.left.get("file(s) in /dev/shm", 0) + 1
            return
        value = json.loads(value)
        if word == "::pid":
            self.pid = value
        elif word == "::subject":
            if value not in self.outcomes:
                self.end()
                self.begin(value)
        elif word == "::at":
            outcome.place = value
        elif word == "::event":
            self.happens()
        elif word == "::held":
            self.held.append(value)
        elif word == "::works":
            outcome.works = True
        elif word == "::raised":
            outcome.raised.append(tuple(value))
        elif word == "::up":
            now = time.monotonic()
            self.deeds = [(now + wait, act) for wait, act in self.deeds_of_the_event()]

    def deeds_of_the_event(self):
        """Return what is done to a program that is up: (seconds from then, function)."""
        if "SIGTERM" in self.event:
            return [(0.5, lambda: os.kill(self.pid, signal.SIGTERM))]
        presses = (0.5, 0.53) if "twice" in self.event else (0.5,)
        return [(wait, lambda: os.write(self.source, b"\x03")) for wait in presses]

    def end(self):
        """Finish the outcome of a subject."""
        outcome = self.outcome
        outcome.seconds = time.monotonic() - (self.happened or time.monotonic())
        outcome.code = self.program.poll() or 0
        for what, number in self.held[-1].items() if len(self.held) > 1 else ():
            if number > self.held[0][what]:
                outcome.left[what] = number - self.held[0][what]

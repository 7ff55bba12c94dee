"""Tasks that workers can import: the folder of this file is on their path."""

import io
import os
import signal
import threading
import time
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from lava_sqs.study import Counts


def coin(params, seed):
    """Biased coin: errors with probability p; sleeps `pause` seconds."""
    rng = np.random.default_rng(seed)
    time.sleep(params.get("pause", 0))
    shots = params.get("batch_shots", 100)
    return Counts.of_shots(shots, int(rng.binomial(shots, params["p"])))


def no_task(params):
    """Return nothing useful: the seed is missing."""


def with_a_bar(params, seed):
    """As coin, with a progress bar that nobody sees."""
    for _ in tqdm(range(2), disable=True):
        pass
    tqdm(range(2), file=io.StringIO()).close()
    return coin(params, seed)


def uneven(params, seed):
    """As coin, with batches that finish out of their order."""
    rng = np.random.default_rng(seed)
    time.sleep(float(rng.choice([0.0, 0.02, 0.05])))
    return Counts.of_shots(50, int(rng.binomial(50, params["p"])))


def normal(params, seed):
    return Counts.of_values(np.random.default_rng(seed).normal(params["mean"], 1.0, 4))


def samples(params, seed):
    rng = np.random.default_rng(seed)
    return Counts.of_samples(rng.binomial(2, np.linspace(0, params["p"], 30)), repeats=2)


@dataclass
class Shared:
    """As coin; the first batch with a value of `shared` makes something that the others need."""

    log: str

    made = {}  # noqa: RUF012

    def needs(self, params):
        return params["shared"]

    def __call__(self, params, seed):
        name = params["shared"]
        if name not in self.made:
            self.made[name] = False
            self.write(f"make-{name}")
            time.sleep(0.2)
            self.write(f"made-{name}")
            self.made[name] = True
        elif not self.made[name]:
            self.write(f"wait-{name}")
        return coin(params, seed)

    def write(self, text):
        with open(self.log, "a") as file:
            file.write(f"{text}\n")


def dies_once(params, seed):
    """Kill the worker the first time that a batch gets here."""
    mark = f"{params['folder']}/{params['p']}-{seed.spawn_key[0]}"
    if params.get("deadly", True) and not os.path.exists(mark):
        open(mark, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return coin(params, seed)


def dies_always(params, seed):
    if params["p"] == 0.5:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    return coin(params, seed)


def fails(params, seed):
    if params["p"] == 0.5:
        raise ZeroDivisionError("no such luck")
    return coin(params, seed)


class Odd(Exception):
    """Pickles, and cannot be made again."""

    def __init__(self, a, b):
        super().__init__(f"{a} and {b}")


class Holds(Exception):
    """Cannot be pickled."""

    def __init__(self):
        super().__init__("holds a lock")
        self.lock = threading.Lock()


class Forgets(Exception):
    """Comes back from a pickle without its text."""

    def __init__(self, text="", more=""):
        self.text = f"{text}{more}"
        super().__init__()

    def __str__(self):
        return self.text


RAISED = {
    "odd": lambda: Odd(1, 2),
    "holds": Holds,
    "forgets": lambda: Forgets("it ", "forgets"),
    "memory": MemoryError,
    "array": lambda: np.zeros(2**55),
    "exit": lambda: SystemExit(3),
    "generator": GeneratorExit,
    "lines": lambda: ValueError("two\nlines"),
    "empty": AssertionError,
}


def raises(params, seed):
    if params["kind"] in RAISED:
        raise RAISED[params["kind"]]()
    if params["kind"] == "interrupt":
        raise KeyboardInterrupt
    return Counts.of_shots(10, 1)


def hangs(params, seed):
    """Fork a child that would live for ever, as Lava does, and wait for it."""
    if params["p"] == 0.5:
        if (pid := os.fork()) == 0:
            time.sleep(1000)
        with open(f"{params['folder']}/session", "w") as file:
            file.write(str(os.getsid(pid)))
        os.waitpid(pid, 0)
    return coin(params, seed)


def in_lava(params, seed, steps=5):
    """Run stock Lava; if a model raises before it sends, its network hangs for ever."""
    from faulty.harness import ring
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg

    with open(f"{params['folder']}/{params['deed']}", "w") as file:
        file.write(str(os.getsid(0)))
    first, _ = ring(place="before_send", step=3, deed=params["deed"])
    first.run(condition=RunSteps(num_steps=steps), run_cfg=Loihi2SimCfg(select_tag="floating_pt"))
    received = first.total.get()
    first.stop()
    return Counts.of_values(received)


in_lava.isolate = True
in_lava.timeout = 30.0

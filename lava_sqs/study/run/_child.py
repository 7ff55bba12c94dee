"""The other side of `isolation`: ``python -m lava_sqs.study.run._child TASK ANSWER``."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading

from lava_sqs.study.run._failure import Failure, dumps


def _follow_parent() -> None:
    """Kill this whole session when the parent is gone, however it went."""
    while os.read(0, 1):
        pass
    os.killpg(0, signal.SIGKILL)


def main(task: str, answer: str) -> None:
    """Run the pickled task and leave its answer, complete or not at all."""
    threading.Thread(target=_follow_parent, daemon=True).start()
    with open(task, "rb") as file:
        function, args = pickle.load(file)
    try:
        data = dumps(function(*args))
    except BaseException as error:
        data = dumps(Failure(error))
    with open(f"{answer}.partial", "wb") as file:
        file.write(data)
    os.replace(f"{answer}.partial", answer)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # no waiting for what the task left running


if __name__ == "__main__":
    main(*sys.argv[1:])

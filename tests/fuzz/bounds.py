"""What a call under test may take."""

import contextlib
import resource
import signal

#: Bytes, and seconds of CPU: a call may have to compile a kernel.
ROOM, PATIENCE = 2**30, 60.0


class TooLong(BaseException):
    """A call takes more time than an answer needs."""


@contextlib.contextmanager
def bounded():
    """End what the block does with an exception when it takes too much memory or time."""

    def end(number, frame):
        raise TooLong(f"takes more than {PATIENCE} s")

    with open("/proc/self/statm") as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    handler = signal.signal(signal.SIGVTALRM, end)
    resource.setrlimit(resource.RLIMIT_AS, (size + ROOM, hard))
    signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.signal(signal.SIGVTALRM, handler)

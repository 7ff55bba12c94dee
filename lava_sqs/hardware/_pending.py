"""Jobs that were sent and not received: their ids, beside the cache, to be asked for again.

An id is written as soon as the machine has told it and before anybody waits for the result, and
removed when the result is in the cache. A run that was killed in between finds it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lava_sqs._files import write_bytes
from lava_sqs.hardware._machines import DeviceError, Machine

__all__: list[str] = []

#: What backends call a job that will have no result, and one that has or may have.
_LOST = ("ERROR", "CANCELLED", "CANCELED", "FAILED")
_ALIVE = ("INITIALIZING", "QUEUED", "VALIDATING", "RUNNING", "DONE", "COMPLETED")


@dataclass
class Pending:
    """Ids of jobs in a folder, and who knows the jobs.

    Parameters
    ----------
    folder : Path or None
        None remembers nothing.
    machine : Machine
    retrieve : callable or None
        What returns a job of an id; None asks the backend or its service.
    """

    folder: Path | None
    machine: Machine
    retrieve: Callable[[str], Any] | None = None

    def __post_init__(self) -> None:
        self.retrieve = self.retrieve or self.machine.retriever
        if self.retrieve is None and self.machine.is_local:
            self.folder = None  # its jobs end with this process

    def remember(self, name: str, job_id: str) -> None:
        """Write down a job that was sent."""
        if self.folder is not None and job_id:
            told = {"job_id": job_id, "backend": self.machine.name}
            write_bytes(self._file(name), json.dumps(told).encode())

    def forget(self, name: str) -> None:
        """Remove what was written down, if anything was."""
        if self.folder is not None:
            self._file(name).unlink(missing_ok=True)

    def job_id(self, name: str) -> str:
        """Return the id that was written down, '' if there is none."""
        if self.folder is None or not self._file(name).exists():
            return ""
        try:
            return str(json.loads(self._file(name).read_bytes())["job_id"])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{self._file(name)} does not hold the id of a job: look for it at "
                f"{self.machine.name}, and delete the file to send it again."
            ) from error

    def job(self, name: str, job_id: str) -> Any:
        """Return the job of an id; raise what who is asked raises, DeviceError if nobody can be."""
        if self.retrieve is None:
            raise DeviceError(
                f"it was sent by an earlier run, and {self.machine.name} does not say how to ask "
                f"for it. Give Device(..., retrieve=) a function that takes its id, or delete "
                f"{self._file(name)} to send it, and pay for it, again."
            )
        found = self.retrieve(job_id)
        if found is None:
            raise DeviceError(f"`retrieve` knows no such job.{self.advice(name)}")
        return found

    def advice(self, name: str) -> str:
        """Return what becomes of a job that was sent; '' if none was."""
        job_id = self.job_id(name) if self.folder else ""
        if not job_id:
            return ""
        return (
            f" The next run asks for the job {job_id} again; to send it, and pay for it, again "
            f"delete {self._file(name)}."
        )

    def _file(self, name: str) -> Path:
        assert self.folder is not None
        return self.folder / f"{name}.job"


def is_lost(job: Any) -> bool:
    """Whether a job says that it will have no result: it failed or was cancelled."""
    return _status(job) in _LOST


def is_alive(job: Any) -> bool:
    """Whether a job says that it has a result or may have one: it is asked again, not sent."""
    return _status(job) in _ALIVE


def _status(job: Any) -> str:
    status = getattr(job, "status", None)
    try:
        found = status() if callable(status) else status
    except Exception:  # a connection that is gone says nothing of the job
        return ""
    return str(getattr(found, "name", found)).upper()

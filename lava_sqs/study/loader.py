"""Studies as TOML files, with errors that name the line."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from lava_sqs._checks import describe, printable
from lava_sqs._errors import ArgumentError
from lava_sqs.study.run._failure import in_words
from lava_sqs.study.study import Study
from lava_sqs.study.tasks.task import resolve_task

__all__ = ["StudyFile", "StudyFileError", "load_study"]

# table -> its keys and their types (an integer is a number as well); None: names are the user's.
_TABLES: dict[str, dict[str, type] | None] = {
    "study": {"task": str, "seed": int, "version": str, "on_invalid": str, "about": str},
    **dict.fromkeys(("options", "base", "grid", "points")),
    "stop": {"max_shots": int, "max_errors": int, "target_width": float, "max_batches": int},
    "run": {"workers": int, "isolate": bool, "timeout": float, "retries": int},
}
_POSITIVE = ("stop", "run")
_KINDS = {str: "a text", int: "an integer", float: "a number", bool: "true or false"}


class StudyFileError(ValueError):
    """A study file is wrong; the message begins with its name and the line."""


@dataclass(frozen=True)
class StudyFile:
    """A study and how its file says to run it.

    Attributes
    ----------
    study : Study
        What to run.
    options : dict
        Keyword arguments for :meth:`Study.run`: stopping rule, workers, isolation.
    about : str
        What the file says about itself.

    Examples
    --------
    >>> StudyFile(Study("memory_capacity"), {"workers": 2}).options
    {'workers': 2}
    """

    study: Study
    options: dict[str, Any] = field(default_factory=dict)
    about: str = ""


def key_lines(text: str) -> dict[tuple[str | int, ...], int]:
    """Return the line of every key of a valid TOML text, by its path.

    tomllib keeps no positions. A statement of TOML (a header, or a key with its value) is the
    shortest run of lines that parses alone; what it holds then tells its keys.
    """
    lines = text.splitlines()
    found: dict[tuple[str | int, ...], int] = {}
    table: tuple[str | int, ...] = ()
    counts: dict[tuple[str | int, ...], int] = {}
    i = 0
    while i < len(lines):
        stripped = lines[i].strip()
        if not stripped or stripped.startswith("#"):
            i += 1
            continue
        end = i + 1
        while True:
            try:
                data = tomllib.loads("\n".join(lines[i:end]))
                break
            except tomllib.TOMLDecodeError:
                end += 1
                if end > len(lines):
                    return found  # not valid: the parser says so itself
        if stripped.startswith("["):
            path = next(iter(_paths(data)))
            plain = tuple(p for p in path if not isinstance(p, int))
            if stripped.startswith("[["):
                counts[plain] = counts.get(plain, -1) + 1
                table = (*plain, counts[plain])
            else:
                table = plain
            found.setdefault(table, i + 1)
            found.setdefault(plain, i + 1)
        else:
            for path in _paths(data):
                for length in range(1, len(path) + 1):
                    found.setdefault((*table, *path[:length]), i + 1)
        i = end
    return found


def _paths(data: Any) -> list[tuple[str | int, ...]]:
    """Return the path of every leaf; an empty table is a leaf."""
    if isinstance(data, Mapping) and data:
        return [(k, *rest) for k, v in data.items() for rest in _paths(v)]
    if isinstance(data, list) and data and isinstance(data[0], Mapping):
        return [(i, *rest) for i, v in enumerate(data) for rest in _paths(v)]
    return [()]


class _File:
    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise StudyFileError(
                f"{path}: not a text in UTF-8 ({error.reason}): save it as UTF-8"
            ) from error
        try:
            self.data: dict[str, Any] = tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            raise StudyFileError(f"{path}, {_where(error, self.text)}") from error
        except RecursionError as error:
            raise StudyFileError(f"{path}: its values are nested too deeply") from error
        self.lines = key_lines(self.text)

    def error(self, path: tuple[str | int, ...], message: str) -> StudyFileError:
        while path and path not in self.lines:
            path = path[:-1]
        line = self.lines.get(path)
        where = f"{self.path}, line {line}" if line else f"{self.path}"
        return StudyFileError(f"{where}: {message}")

    def blame(self, error: BaseException, *tables: str) -> StudyFileError:
        """Return an error of Study with the line of the argument that it carries, in *tables*."""
        argument = getattr(error, "argument", "")
        if not isinstance(error, ArgumentError) or not argument:
            return self.error(("study", "task"), str(error))
        message = error.called(f"`{argument}`")
        table, _, index = argument.rstrip("]").partition("[")  # points[2]
        if table in tables:
            return self.error((table, int(index or 0)), message)
        found = [path for path in self.lines if path[0] in tables and _names(path, argument)]
        # What is the study's own first, then what other tables set for all that [base] says.
        found.sort(key=lambda path: (path[0] == "study", path[0] != "base", len(path)))
        return self.error(found[-1] if found else ("study", "task"), message)


def _names(path: tuple[str | int, ...], argument: str) -> bool:
    """Return whether an argument, `t1` or `noise.t1`, is a key, or one that a key stands for."""
    name = printable(".".join(p for p in path[1:] if isinstance(p, str)))
    return f".{name}".endswith(f".{argument}") or name.startswith(f"{argument}_over_")


def _where(error: Any, text: str) -> str:
    """Return tomllib's message as `line N, column M: what`."""
    message = str(error)
    what, _, place = message.rpartition(" (at ")
    if place == "end of document)":
        return f"line {max(1, len(text.splitlines()))}: {what} at the end of the file"
    return f"{place.rstrip(')')}: {what}" if what else f"line 1: {message}"


def load_study(path: str | os.PathLike[str]) -> StudyFile:
    r"""Return the study that the TOML file *path* describes.

    The function of a task ``"module:function"`` is looked for beside the file first.

    Raises
    ------
    StudyFileError
        If the file is wrong. The message names the line.
    FileNotFoundError
        If the file does not exist.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "memory.toml")
    ...     text = '[study]\ntask = "memory_capacity"\n[grid]\nmemory_qubits = [1, 2]\n'
    ...     _ = path.write_text(text)
    ...     load_study(path).study
    Study('memory_capacity', 2 points, seed=0)
    """
    file = _File(Path(path))
    data = file.data
    for table, value in data.items():
        if table not in _TABLES:
            known = ", ".join(f"[{t}]" for t in _TABLES)
            raise file.error((table,), f"there is no table [{table}]: the tables are {known}")
        _check_table(file, table, value)
    own = data.get("study", {})
    if "task" not in own:
        raise file.error(("study",), "the table [study] must have `task`")
    folder = str(Path(path).resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)  # last: a loky.py beside the study must not shadow the library
    _check_task(file, own["task"], folder)
    try:
        tables = ["options"]
        task = resolve_task(own["task"], data.get("options"))
        tables = ["study", "base", "grid", "points"]
        study = Study(
            task,
            data.get("grid"),
            points=data.get("points"),
            base=data.get("base"),
            seed=own.get("seed", 0),
            on_invalid=own.get("on_invalid", "raise"),
            version=own.get("version"),
        )
    except (ValueError, TypeError, ImportError, ArgumentError) as error:
        raise file.blame(error, *tables) from error
    except OSError as error:  # a file that an option names
        named = [k for k, v in data.get("options", {}).items() if v == error.filename]
        message = f"`{named[0] if named else 'task'}`: {error.strerror}: {error.filename}"
        raise file.error(("options", *named), message) from error
    options = {**data.get("stop", {}), **data.get("run", {})}
    return StudyFile(study, options, own.get("about", ""))


def _check_task(file: _File, task: str, folder: str) -> None:
    """Find the task, so that whatever goes wrong meanwhile has its line."""
    name, _, attribute = task.partition(":")
    said = f"task = {task!r}: "
    try:
        resolve_task(task)
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        if ":" not in task:
            raise file.blame(error, "study") from error
        if not all(part.isidentifier() for part in (*name.split("."), *attribute.split("."))):
            message = 'it must be "module:function"'
        else:
            message = in_words(error, only_own=True)
        beside, found = Path(folder, f"{name}.py"), getattr(sys.modules.get(name), "__file__", "")
        if beside.exists() and found != str(beside) and name in sys.modules:
            message += f" ({beside.name} beside the study is hidden by {found}: rename it)"
        raise file.error(("study", "task"), said + message) from error


def _check_table(file: _File, table: str, value: Any) -> None:
    if table == "points":
        if not isinstance(value, list) or not all(isinstance(v, Mapping) for v in value):
            raise file.error((table,), "points must be written as [[points]] tables")
        return
    if not isinstance(value, Mapping):
        raise file.error((table,), f"{table} must be a table [{table}], but is {describe(value)}")
    keys = _TABLES[table]
    if keys is None:
        return
    for key, item in value.items():
        if key not in keys:
            raise file.error(
                (table, key), f"[{table}] has no key `{key}`: it has {', '.join(keys)}"
            )
        if wanted := _wanted(key, keys[key], item, table in _POSITIVE):
            raise file.error((table, key), f"`{key}` must be {wanted}, but is {describe(item)}")


def _wanted(key: str, kind: type, item: Any, positive: bool) -> str:
    """Return what a value must be, if it is not."""
    fits = isinstance(item, (int, float) if kind is float else kind)
    if not fits or (isinstance(item, bool) and kind is not bool):
        return _KINDS[kind]
    if positive and kind is float and not 0 < item < math.inf:
        return "above 0"
    low = 0 if key == "retries" else 1
    return f"at least {low}" if positive and kind is int and item < low else ""


def carry_module(path: str | os.PathLike[str], task: Any) -> None:
    """Send what the file's folder defines by value: workers elsewhere do not have that folder."""
    folder = Path(path).resolve().parent
    function = getattr(task, "func", task)
    module = sys.modules.get(getattr(function, "__module__", ""))
    origin = getattr(module, "__file__", None)
    if module is None or origin is None or Path(origin).resolve().parent != folder:
        return
    try:
        import cloudpickle  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        return
    cloudpickle.register_pickle_by_value(module)

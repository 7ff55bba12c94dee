"""The public names of lava_sqs: what has no leading underscore and is in an ``__all__``.

The check of the docstrings and the API pages of the site are both made from this list.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import re
import sys
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import lava_sqs


@dataclass(frozen=True)
class Name:
    """A public name: `path` is the shortest way to import it, `home` the module that defines it."""

    path: str
    home: str
    value: Any

    @property
    def kind(self) -> str:
        """``class``, ``function`` or ``data``."""
        return kind(self.value)

    @property
    def offered(self) -> bool:
        """Whether lava_sqs or one of its rooms offers the name, not only an inner module."""
        return self.path.rpartition(".")[0] in _offering()


def kind(value: Any) -> str:
    """Return ``class``, ``function`` or ``data``; aliases of types are data."""
    if isinstance(value, type) and typing.get_origin(value) is None:
        return "class"
    wrapped = hasattr(value, "__wrapped__")
    return "function" if wrapped or inspect.isroutine(value) else "data"


@functools.cache
def modules() -> list[ModuleType]:
    """Return lava_sqs and all modules in it that are not private, sorted."""
    # Not pkgutil: the folders of Processes have no __init__.py.
    top = Path(lava_sqs.__path__[0])
    files = [file.relative_to(top.parent).with_suffix("") for file in top.rglob("*.py")]
    dotted = {".".join(p.parts).removesuffix(".__init__") for p in files}
    found = [n for n in dotted if not any(part.startswith("_") for part in n.split("."))]
    return list(map(importlib.import_module, sorted(found)))


@functools.cache
def _offering() -> set[str]:
    """Return the modules that users import from: lava_sqs, its rooms, and what those list."""
    rooms = [m for m in modules() if hasattr(m, "__path__")]
    listed = [getattr(m, name) for m in rooms for name in getattr(m, "__all__", ())]
    return {m.__name__ for m in [*rooms, *filter(inspect.ismodule, listed)]}


@functools.cache
def names() -> tuple[Name, ...]:
    """Return every public class, function and constant once, sorted by path."""
    found: dict[tuple[str, str], Name] = {}
    for module in modules():
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if inspect.ismodule(value):
                continue
            home = _assigned_in(module, name) if kind(value) == "data" else value.__module__
            path = f"{module.__name__}.{name}"
            before = found.get((home, name))
            if before is None or path.count(".") < before.path.count("."):
                found[home, name] = Name(path, home, value)
    return tuple(sorted(found.values(), key=lambda n: n.path.casefold()))


def members(cls: type) -> Iterator[tuple[str, Any]]:
    """Yield the public methods and properties that a class defines, or a private base documents."""
    private = [c for c in cls.__mro__[1:] if c.__name__.startswith("_")]
    bases = [c for c in private if c.__module__.partition(".")[0] == "lava_sqs"]
    documented = {
        name: value
        for base in reversed(bases)
        for name, value in vars(base).items()
        if getattr(value, "__doc__", None)
    }
    for name, value in {**documented, **vars(cls)}.items():
        if name.startswith("_"):
            continue
        if isinstance(value, (classmethod, staticmethod)):
            value = value.__func__
        if inspect.isfunction(value) or isinstance(value, (property, functools.cached_property)):
            yield name, value


@functools.cache
def constants(module: str) -> dict[str, str]:
    """Return the constants that a module assigns, with their ``#:`` comments ("" if missing)."""
    file = inspect.getsourcefile(importlib.import_module(module))
    text = Path(str(file)).read_text()
    lines = text.splitlines()
    found = {}
    for node in ast.parse(text).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            if isinstance(target, ast.Name):
                first = node.lineno - 1
                comment: list[str] = []
                while first > 0 and lines[first - 1].startswith("#:"):
                    first -= 1
                    comment.insert(0, lines[first][2:].strip())
                found[target.id] = " ".join(comment)
    return found


# -- references in docstrings ---------------------------------------------------------------------

#: Packages whose names have no entry with us.
OTHERS = ("collections", "lava", "numpy", "pandas", "qutip", "scipy", "sklearn")
_ROLE = re.compile(r":(attr|class|data|exc|func|meth|mod|obj):`(~?)([\w.]+)`")


def documented_as(name: Name) -> str:
    """Return the name of the entry of a public name: its path; of a constant where it is made."""
    if name.kind == "data" and name.path != "lava_sqs.__version__":
        return f"{name.home}.{name.path.rpartition('.')[2]}"
    return name.path


@functools.cache
def entries() -> frozenset[str]:
    """Return what the site has entries of, besides modules: names, methods and properties."""
    found = {documented_as(n) for n in names()}
    for n in names():
        if n.kind == "class":
            found |= {f"{n.path}.{member}" for member, _ in members(n.value)}
    return frozenset(found)


def locate(dotted: str) -> tuple[str, list[str]] | None:
    """Return (home module, names in it) of what a dotted name means to Python."""
    parts = dotted.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            value: Any = importlib.import_module(".".join(parts[:cut]))
        except (ImportError, ValueError):
            continue
        module, rest = ".".join(parts[:cut]), parts[cut:]
        for i, part in enumerate(rest):
            value = getattr(value, part, None)
            if value is None:
                return None
            if i == 0 and kind(value) != "data":
                module = value.__module__
        return module, rest
    return None


def resolve(target: str, home: str, path: list[str]) -> str | None:
    """Return the entry that *target* means in the docstring of `home` or of `home.path`."""
    where = [".".join([home, *path[:i]]) + "." for i in range(len(path), -1, -1)]
    for prefix in ["", *where]:
        found = locate(prefix + target)
        if found is None:
            continue
        module, rest = found
        if not rest:
            return module if module in {m.__name__ for m in modules()} else None
        own = {(n.home, n.path.rpartition(".")[2]): documented_as(n) for n in names()}
        entry = ".".join([own.get((module, rest[0]), prefix + target), *rest[1:]])
        if entry in entries():
            return entry
    return None


def with_full_references(text: str, home: str, path: list[str]) -> str:
    """Return a docstring with the full name in every reference that can be resolved.

    Those in columns of a table, with spaces after them, must keep their width.
    """

    def full(match: re.Match[str]) -> str:
        role, short, target = match.groups()
        entry = resolve(target, home, path)
        if entry is None:
            return match.group()
        shown = target.rpartition(".")[2] if short else target
        return f":{role}:`{shown}{'()' if role in ('func', 'meth') else ''} <{entry}>`"

    return re.sub(_ROLE.pattern + "(?!  )", full, text)


def broken_references(text: str, home: str, path: list[str]) -> list[str]:
    """Return the references of a docstring that lead nowhere."""
    targets = {m.group(3) for m in _ROLE.finditer(text)}
    ours = [t for t in targets if t.partition(".")[0] not in OTHERS]
    return sorted(t for t in ours if resolve(t, home, path) is None)


def _assigned_in(module: ModuleType, name: str) -> str:
    """Return where a constant comes from: the module of ours that assigns it."""
    value = getattr(module, name)
    for other, found in sorted(sys.modules.items()):
        ours = other.startswith("lava_sqs.") and getattr(found, name, None) is value
        if ours and name in constants(other):
            return other
    return module.__name__

"""What a value holds, as plain data: code by what it does, objects by what is in them."""

from __future__ import annotations

import ast
import builtins
import collections
import copy
import copyreg
import dataclasses
import enum
import functools
import hashlib
import inspect
import itertools
import json
import random
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from lava_sqs._checks import describe
from lava_sqs._moved import MOVED
from lava_sqs.study.tasks._source import (
    Parsed,
    bytecode,
    changed_in_place,
    constant,
    defaults_of,
    global_names,
    initial,
    is_library,
    is_named,
    module_of,
    nested,
    source_of,
    tree_of,
)

__all__ = ["Encoder", "qualified"]

_NEW: Any = object().__reduce_ex__(4)[0]  # what makes objects that pickle in the ordinary way
_SCALARS = (type(None), bool, type(Ellipsis), type(NotImplemented))
_RANDOM = (np.random.Generator, np.random.RandomState, np.random.BitGenerator, random.Random)
# Members of every class that say nothing about what it does.
_BORING = frozenset(
    {
        *("__module__", "__qualname__", "__name__", "__doc__", "__dict__", "__weakref__"),
        *("__firstlineno__", "__annotations__", "__annotate__", "__annotate_func__"),
        *("__annotations_cache__", "__static_attributes__", "__match_args__", "__slotnames__"),
        *("__dataclass_fields__", "__abstractmethods__", "_abc_impl", "__parameters__"),
        *("__orig_bases__", "__classdictcell__", "__type_params__", "__isabstractmethod__"),
    }
)
# Attributes of a function that tell how it runs and not what it computes.
_HOW = frozenset({"isolate", "timeout", "__wrapped__", "__signature__", "__isabstractmethod__"})
_OLD_PATHS = {homes[0]: old for old, homes in MOVED.items() if len(homes) == 1}
# Names that reach anything: nobody can tell what the code does without running it.
_DYNAMIC = {"eval": eval, "exec": exec, "globals": globals}


def _lasting(module: str) -> str:
    """Return a module as ids name it: by its old path as long as that works, so that rows count."""
    return _OLD_PATHS.get(module, module)


def qualified(kind: Any) -> str:
    """Return the name of a class or function with that of its module."""
    return f"{_lasting(kind.__module__)}.{kind.__qualname__}"


class Encoder:
    """Turns values into lists of texts, every function, class and object once."""

    def __init__(
        self,
        own: Any = None,
        *,
        written: frozenset[tuple[str, str]] | set[tuple[str, str]] = frozenset(),
        lenient: bool = False,
        by_name: bool = False,
    ) -> None:
        self.written = written  # globals, as (module, name), that the task writes itself
        self.writes: set[tuple[str, str]] = set()
        self.lenient, self.by_name = lenient, by_name
        self.entries: list[Any] = []
        self.seen: dict[int, tuple[int, Any]] = {}
        self.inside: set[int] = set()  # containers that are being encoded
        self.home: str | None = None  # the module whose code is being followed
        self.path: list[str] = []  # how it was reached, for messages
        self.own = {module_of(own)} if own is not None else set()

    def digest(self, task: Any) -> str:
        try:
            whole = self.encode(task)
        except RecursionError:
            self.path = []
            self.refuse(task, "is nested too deeply to be compared by content")
            whole = []
        text = json.dumps([whole, self.entries], separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def refuse(self, value: Any, why: str) -> Any:
        if self.lenient or self.by_name:
            return ["?", qualified(type(value))]
        place = " of ".join(name for name, _ in itertools.groupby(reversed(self.path))) or "it"
        raise TypeError(
            f"The task cannot be distinguished from others: {place} ({describe(value)}) {why}. "
            "Pass `version=` to Study (in a study file, `version` in [study]) and change it "
            "whenever results would change; or give what the task needs as an option, a parameter "
            "or a file that it reads."
        )

    def at(self, place: str, value: Any) -> Any:
        self.path.append(place)
        found = self.encode(value)
        self.path.pop()
        return found

    def once(self, value: Any, make: Callable[[Any], Any]) -> Any:
        if id(value) not in self.seen:
            index = len(self.entries)
            self.seen[id(value)] = index, value
            self.entries.append(None)
            # After its place was taken: objects that reach themselves find that place, and the
            # recursion ends.
            self.entries[index] = make(value)
        return ["see", self.seen[id(value)][0]]

    def encode(self, value: Any) -> Any:
        kind = type(value)
        if isinstance(value, _SCALARS):
            return [repr(value)]
        if kind in (int, float, complex, bytes):
            return constant(value)
        if kind is str:
            return ["str", self.local(value)]
        if kind is bytearray:
            return ["bytearray", value.hex()]
        if kind in (list, tuple, set, frozenset, collections.deque):
            return self.container(value, lambda: self.sequence(value))
        if isinstance(value, (dict, types.MappingProxyType)) and (
            kind in (dict, collections.OrderedDict, collections.defaultdict, types.MappingProxyType)
        ):
            return self.container(value, lambda: self.mapping(value))
        if isinstance(value, np.ndarray):
            return self.container(value, lambda: self.array(value))
        if isinstance(value, np.generic) and not isinstance(value, (np.void, np.object_)):
            return ["scalar", value.dtype.str, value.tobytes().hex()]
        if isinstance(value, types.ModuleType):
            return ["module", _lasting(value.__name__)]
        if isinstance(value, PurePath):
            return ["path", self.local(str(value))]
        if inspect.isfunction(value):
            return self.once(value, self.function)
        if isinstance(value, type):
            return self.once(value, self.klass)
        return self.once(value, self.thing)

    def local(self, text: str) -> str:
        """Return a text without the folder of the task's module: a study may move."""
        for module in (*sorted(self.own), self.home):
            file = getattr(sys.modules.get(module or ""), "__file__", None)
            folder = str(Path(file).resolve().parent) if file else "/"
            if folder != "/" and (text == folder or text.startswith(folder + "/")):
                return f"<folder>{text[len(folder) :]}"
        return text

    def container(self, value: Any, make: Callable[[], Any]) -> Any:
        if id(value) in self.inside:
            return self.refuse(value, "holds itself")
        self.inside.add(id(value))
        try:
            return make()
        finally:
            self.inside.discard(id(value))

    def sequence(self, value: Any) -> Any:
        if isinstance(value, (set, frozenset)):
            # The order of a set depends on the hash seed of the process.
            return [type(value).__name__, sorted(map(self.alone, value))]
        items = [self.encode(v) for v in value]
        return [type(value).__name__, items]

    def mapping(self, value: Any) -> Any:
        ordered = isinstance(value, collections.OrderedDict)
        keys = list(value) if ordered else sorted(value, key=self.alone)
        items = [[self.alone(k), self.at(f"the entry {describe(k)}", value[k])] for k in keys]
        factory = [self.encode(value.default_factory)] if hasattr(value, "default_factory") else []
        return [type(value).__name__, items, *factory]

    def alone(self, value: Any) -> str:
        """Return an encoding that does not depend on what was seen before: it can be sorted."""
        if type(value) in (str, int):
            return json.dumps(self.encode(value))
        other = copy.copy(self)
        other.entries, other.seen = [], {}
        return other.digest(value)

    def array(self, value: Any) -> Any:
        dtype = value.dtype
        name = "array" if type(value) in (np.ndarray, np.memmap) else qualified(type(value))
        if isinstance(value, np.ma.MaskedArray):
            mask: Any = np.ma.getmaskarray(value)
            plain: Any = np.where(mask, np.zeros((), dtype), value.data)
            return [name, self.array(mask), self.array(plain)]
        value = np.asarray(value)
        if dtype.hasobject:
            items = [self.encode(v) for v in value.ravel().tolist()]
        elif dtype.names:  # bytes between the fields hold anything
            items = [[n, self.array(value[n])] for n in dtype.names]
        else:
            # The bytes themselves: NaN equals itself here, and -0.0 is not 0.0.
            data = np.ascontiguousarray(value).reshape(-1).view(np.uint8)
            items = [hashlib.sha256(data.data).hexdigest()]
        return [name, dtype.str, list(value.shape), items]

    # -- code -------------------------------------------------------------------------------------

    def follows(self, module: str) -> bool:
        """Return whether code of a module counts by what it does, or by its name alone."""
        if self.by_name:
            return False
        if module in self.own or module == self.home:
            return True
        return self.home is None and not is_library(module)

    def function(self, f: types.FunctionType) -> Any:
        module = module_of(f)
        if not self.follows(module):
            if self.by_name:
                return ["function", f.__qualname__]
            found = ["function", _lasting(f.__module__), f.__qualname__]
            named = "<" not in f.__qualname__ and not hasattr(f, "__wrapped__")
            return found if named and is_named(f) else [*found, self.carried(f)]
        before, self.home = self.home, module
        self.path.append(f"`{f.__name__}`")
        found = ["function", f.__qualname__, self.code(f), self.carried(f)]
        self.path.pop()
        self.home = before
        return found

    def carried(self, f: types.FunctionType) -> Any:
        """Return what a function holds besides its code."""
        if callable(getattr(f, "dispatch", None)) and hasattr(f, "registry"):  # singledispatch
            known = sorted(f.registry.items(), key=lambda item: qualified(item[0]))
            return [[qualified(t), self.encode(g)] for t, g in known]
        cells = []
        for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=False):
            try:
                cells.append([name, self.at(f"the variable `{name}`", cell.cell_contents)])
            except ValueError:  # not bound yet
                cells.append([name, "empty"])
        defaults = defaults_of(f)
        found: list[Any] = [cells]
        found.append([[n, self.at(f"the default of `{n}`", v)] for n, v in defaults.items()])
        if hasattr(f, "__wrapped__"):
            found.append(["wrapped", self.encode(f.__wrapped__)])
        own = (module_of(f), f.__name__) in self.written
        extra = {} if own else {k: v for k, v in vars(f).items() if k not in _HOW}
        return [*found, [[k, self.at(f"the attribute `{k}`", extra[k])] for k in sorted(extra)]]

    def code(self, f: types.FunctionType) -> Any:
        source = source_of(f)
        module = module_of(f)
        read, bound = global_names(f.__code__)
        for name, banned in _DYNAMIC.items():
            if name in read and f.__globals__.get(name, banned) is banned:
                self.refuse(f, f"calls {name}(), which may reach anything")
        body = tree_of(source[0], top=True) if source else bytecode(f.__code__)
        changed = bound | (changed_in_place(source[0], read) if source else set())
        for name in changed:
            self.writes.add((module, name))
        me = sys.modules.get(module)
        names = set(f.__code__.co_names)
        for own in nested(f.__code__):
            names |= set(own.co_names)
        if module in names or any(f.__globals__.get(n) is me and me is not None for n in read):
            read |= names  # `import this_module`: any name may be an attribute of it
        if {"__name__", "modules"} <= names:
            self.refuse(f, "reaches its module through sys.modules")
        reached = []
        for name in sorted(read | bound):
            if name.startswith("__") and name.endswith("__"):
                continue
            if (module, name) in self.written and not isinstance(
                f.__globals__.get(name), (type, types.FunctionType, types.ModuleType)
            ):
                reached.append([name, self.initially(f, name, source and source[1])])
            elif name in f.__globals__:
                reached.append([name, self.at(f"`{name}`", f.__globals__[name])])
            elif not hasattr(builtins, name) and name in read:
                reached.append([name, "unknown"])
        return [body, reached]

    def initially(self, f: types.FunctionType, name: str, parsed: Parsed | None) -> Any:
        """Return what a global that the task writes is before: the text of its module."""
        if parsed is None:
            value = f.__globals__.get(name)
            if value is None or (isinstance(value, (dict, list, set)) and not value):
                return self.encode(value)
            self.path.append(f"`{name}`")
            return self.refuse(value, "is changed by the task itself, whose source is not there")
        statements = initial(parsed.tree, name)
        used = {
            n.id for s in statements for n in ast.walk(s) if isinstance(n, ast.Name)
        } & f.__globals__.keys()
        others = [
            [n, self.at(f"`{n}`", f.__globals__[n])]
            for n in sorted(used)
            if n != name and (module_of(f), n) not in self.written
        ]
        return ["written", [tree_of(s) for s in statements], others]

    def klass(self, cls: type) -> Any:
        found: list[Any] = ["class", cls.__qualname__]
        module = module_of(cls)
        if not self.follows(module):
            return found if self.by_name else [*found, _lasting(module)]
        before, self.home = self.home, module
        self.path.append(f"`{cls.__name__}`")
        found.append([self.encode(base) for base in cls.__bases__])
        plain = type(cls) is type or issubclass(cls, enum.Enum)  # the latter's has two names
        found.append("type" if plain else self.encode(type(cls)))
        if issubclass(cls, enum.Enum):
            found.append([[n, self.encode(m.value)] for n, m in cls.__members__.items()])
        if dataclasses.is_dataclass(cls):
            found.append([self.field(f) for f in dataclasses.fields(cls)])
        found.append(
            [
                [name, self.at(f"`{name}`", value)]
                for name, value in sorted(cls.__dict__.items())
                if not _is_boring(cls, name, value)
            ]
        )
        self.path.pop()
        self.home = before
        return found

    def field(self, f: Any) -> Any:
        default = [] if f.default is dataclasses.MISSING else [self.encode(f.default)]
        factory = f.default_factory
        made = [] if factory is dataclasses.MISSING else [self.encode(factory)]
        return ["field", f.name, default, made, str(f.init), str(getattr(f, "kw_only", False))]

    # -- objects ----------------------------------------------------------------------------------

    def thing(self, value: Any) -> Any:
        kind = type(value)
        if isinstance(value, _RANDOM):
            return self.refuse(value, "is a random generator, which changes with every draw")
        if isinstance(value, functools.partial):
            return [
                "partial",
                self.encode(value.func),
                [self.encode(v) for v in value.args],
                [[k, self.at(f"the option `{k}`", v)] for k, v in sorted(value.keywords.items())],
            ]
        if isinstance(value, types.MethodType):
            return ["method", self.encode(value.__self__), self.encode(value.__func__)]
        if isinstance(value, (staticmethod, classmethod)):
            return [kind.__name__, self.encode(value.__func__)]
        if isinstance(value, property):
            return ["property", *(self.encode(f) for f in (value.fget, value.fset, value.fdel))]
        if isinstance(value, functools.cached_property):
            return ["cached_property", self.encode(value.func)]
        if isinstance(value, (types.MemberDescriptorType, types.GetSetDescriptorType)):
            return ["slot", value.__name__]
        if isinstance(value, enum.Enum):
            return ["enum", self.encode(kind), value.name, self.encode(value.value)]
        if is_library(kind.__module__) and inspect.isfunction(getattr(value, "__wrapped__", None)):
            return ["wrapped", qualified(kind), self.encode(value.__wrapped__)]  # lru_cache, jit
        if is_library(kind.__module__) and inspect.isfunction(getattr(value, "py_func", None)):
            options = getattr(value, "targetoptions", {})
            said = sorted(
                (k, repr(v)) for k, v in options.items() if isinstance(v, (bool, str, set))
            )
            return ["compiled", qualified(kind), said, self.encode(value.py_func)]
        if kind.__module__ == "_thread":  # locks
            return ["lock", kind.__qualname__]
        own = getattr(kind, "identity", None)
        if callable(own):
            return ["own", self.encode(kind) if self.home else qualified(kind), value.identity()]
        return self.reduced(value)

    def reduced(self, value: Any) -> Any:
        """Return what pickle would keep of an object."""
        kind = type(value)
        if isinstance(value, Iterator):
            return self.refuse(value, "is an iterator, which changes when it is used")
        try:
            reduce = copyreg.dispatch_table.get(kind)
            parts = reduce(value) if reduce else value.__reduce_ex__(4)
        except Exception:
            return self.refuse(value, "cannot be compared by content")
        if isinstance(parts, str):
            return ["named", _lasting(kind.__module__), parts]
        make, arguments, state, items, pairs = (*parts, *[None] * 5)[:5]
        state = {} if state is None else state
        hidden = {
            n
            for base in kind.__mro__
            for n, v in vars(base).items()
            if isinstance(v, functools.cached_property)
        }
        if dataclasses.is_dataclass(value) and make is _NEW:
            names = {f.name for f in dataclasses.fields(value)}
            given = {n: getattr(value, n) for n in names if hasattr(value, n)}
            extra = {k: v for k, v in getattr(value, "__dict__", {}).items() if k not in hidden}
            state = {**extra, **given}
        elif isinstance(state, dict):
            state = {k: v for k, v in state.items() if k not in hidden}
        return [
            "object",
            self.encode(kind),
            self.encode(make),
            [self.encode(a) for a in arguments if a is not kind],
            self.fields(state) if isinstance(state, dict) else self.encode(state),
            [self.encode(i) for i in items or ()],
            self.mapping(dict(pairs)) if pairs else [],
        ]

    def fields(self, state: Mapping[Any, Any]) -> Any:
        return [[str(k), self.at(f"`{k}`", state[k])] for k in sorted(state, key=str)]


def _is_boring(cls: type, name: str, value: Any) -> bool:
    if name in _BORING or (name == "__hash__" and value is None):
        return True
    if issubclass(cls, enum.Enum):  # its members are looked at by themselves
        return not (
            isinstance(value, property)
            or getattr(getattr(value, "__func__", value), "__module__", "") == cls.__module__
        ) or isinstance(value, cls)
    if dataclasses.is_dataclass(cls):
        fields = {f.name for f in dataclasses.fields(cls)}
        code = getattr(inspect.unwrap(value) if callable(value) else value, "__code__", None)
        # What the decorator writes follows from the fields.
        return name in fields or (code is not None and code.co_filename == "<string>")
    return False

"""What code does, as plain data: source that was parsed, or byte code where there is none."""

from __future__ import annotations
import __future__

import ast
import dataclasses
import dis
import functools
import json
import linecache
import operator
import sys
import sysconfig
import types
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

__all__ = [
    "Parsed",
    "bytecode",
    "changed_in_place",
    "constant",
    "defaults_of",
    "global_names",
    "initial",
    "is_library",
    "is_named",
    "module_of",
    "nested",
    "source_of",
    "tree_of",
]

_MUTATORS = frozenset(
    {
        *("add", "append", "appendleft", "clear", "discard", "extend", "extendleft", "fill"),
        *("insert", "move_to_end", "pop", "popitem", "popleft", "put", "remove", "resize"),
        *("reverse", "setdefault", "sort", "update", "write"),
    }
)


@dataclasses.dataclass(frozen=True)
class Parsed:
    """A file of source: its tree, its functions by name and line, its code objects."""

    tree: ast.Module
    functions: dict[tuple[str, int], list[Any]]
    codes: frozenset[types.CodeType]


@functools.lru_cache(maxsize=64)
def parse(text: str, flags: int) -> Parsed | None:
    try:
        tree = ast.parse(text)
        code = compile(text, "<source>", "exec", flags=flags, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    functions: dict[tuple[str, int], list[Any]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Lambda):
            functions.setdefault(("<lambda>", node.lineno), []).append(node)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            line = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            functions.setdefault((node.name, line), []).append(node)
    return Parsed(tree, functions, frozenset(nested(code)))


def nested(code: types.CodeType) -> Iterator[types.CodeType]:
    """Yield a code object and all that it holds."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from nested(constant)


# Flags of a code object that come from `from __future__ import`; lower ones mean other things.
_FUTURE = ~0xFFFF & functools.reduce(
    operator.or_, (getattr(__future__, n).compiler_flag for n in __future__.all_feature_names)
)


def source_of(function: types.FunctionType) -> tuple[Any, Parsed] | None:
    """Return the syntax tree of a function and of its file, if that is what it was compiled from.

    A file that was edited after its import is not: compiling it again tells.
    """
    code = function.__code__
    name = code.co_filename
    try:
        linecache.checkcache(name)
        # Not getlines(): doctest replaces it by one that knows the examples of one text only, and
        # a task would change its identity from one text to the next. Notebooks fill the cache.
        entry = linecache.cache.get(name, ())
        lines = entry[2] if len(entry) > 2 else linecache.updatecache(name, function.__globals__)
    except Exception:  # loaders, which are anybody's code
        return None
    text = "".join(lines)
    parsed = parse(text, code.co_flags & _FUTURE) if text else None
    # Code objects compare by what they do: a file that was edited since no longer holds this one.
    if parsed is None or code not in parsed.codes:
        return None
    nodes = parsed.functions.get((code.co_name, code.co_firstlineno), [])
    return (nodes[0], parsed) if len(nodes) == 1 else None


def tree_of(node: Any, top: bool = False) -> Any:
    """Return a syntax tree as lists, the same for all versions of Python.

    At the *top* is a function whose decorators and defaults are looked at as values.
    """
    if isinstance(node, list):
        return [tree_of(item) for item in node]
    if not isinstance(node, ast.AST):
        return constant(node)
    if isinstance(node, ast.Constant):
        return ["Constant", constant(node.value)]
    skipped = {"ctx", "kind", "type_comment", "type_ignores"}
    function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
    if function or isinstance(node, ast.arg):
        # Annotations do nothing when a function runs.
        skipped |= {"returns", "annotation"}
    if function and top:
        skipped |= {"decorator_list"}
    if isinstance(node, ast.arguments) and top:
        skipped |= {"defaults", "kw_defaults"}
    found: list[Any] = [type(node).__name__]
    for name, value in ast.iter_fields(node):
        if name in skipped or value is None or value == []:
            continue
        if name == "body" and isinstance(value, list) and not isinstance(node, ast.Module):
            value = _without_docstring(value)
        found.append([name, tree_of(value, top and name == "args")])
    return found


def _without_docstring(body: list[Any]) -> list[Any]:
    first = body[0]
    is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return body[1:] if is_text and isinstance(first.value.value, str) else body


def constant(value: Any) -> Any:
    """Return a constant of the source with its type: 1, 1.0 and True are not the same."""
    if isinstance(value, float):
        # hex: every bit, and -0.0 is not 0.0.
        return ["float", value.hex()]
    if isinstance(value, complex):
        return ["complex", value.real.hex(), value.imag.hex()]
    if isinstance(value, bytes):
        return ["bytes", value.hex()]
    if isinstance(value, (tuple, frozenset)):
        items = [constant(v) for v in value]
        return [type(value).__name__, items if isinstance(value, tuple) else in_order(items)]
    if isinstance(value, int) and not isinstance(value, bool):
        return ["int", hex(value)]
    return [type(value).__name__, str(value)]


def in_order(items: Iterable[Any]) -> list[Any]:
    return sorted(items, key=json.dumps)


def bytecode(code: types.CodeType) -> Any:
    """Return what code without its source does: the same for one version of Python only."""
    constants = list(code.co_consts)
    if constants and isinstance(constants[0], str) and not code.co_name.startswith("<"):
        constants[0] = ""  # the docstring
    return [
        f"python {sys.version_info[0]}.{sys.version_info[1]}",
        code.co_code.hex(),
        getattr(code, "co_exceptiontable", b"").hex(),
        [bytecode(c) if isinstance(c, types.CodeType) else constant(c) for c in constants],
        [code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags & 0x3FF],
        [list(v) for v in (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)],
    ]


def global_names(code: types.CodeType) -> tuple[set[str], set[str]]:
    """Return the globals that code reads, and those that it binds."""
    read: set[str] = set()
    bound: set[str] = set()
    for own in nested(code):
        for step in dis.get_instructions(own):
            if "GLOBAL" in step.opname or step.opname == "LOAD_NAME":
                writes = step.opname.startswith(("STORE", "DELETE"))
                (bound if writes else read).add(str(step.argval))
    return read, bound


def changed_in_place(node: Any, names: set[str]) -> set[str]:
    """Return which of the global *names* a function changes in place: `CACHE[key] = value`."""
    found: set[str] = set()

    def root(target: Any) -> None:
        while isinstance(target, (ast.Subscript, ast.Attribute)):
            target = target.value
            if isinstance(target, ast.Name):
                found.add(target.id)

    for part in ast.walk(node):
        if isinstance(part, (ast.Subscript, ast.Attribute)) and not isinstance(part.ctx, ast.Load):
            root(part)
        elif isinstance(part, ast.AugAssign):
            root(part.target)
        elif (
            isinstance(part, ast.Call)
            and isinstance(part.func, ast.Attribute)
            and part.func.attr in _MUTATORS
        ):
            root(part.func)
    return found & names


def initial(tree: ast.Module, name: str) -> list[ast.stmt]:
    """Return the statements of a module, outside of functions and classes, that set *name*."""
    found: list[ast.stmt] = []
    waiting: list[Any] = list(reversed(tree.body))
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(t, ast.Name) and t.id == name for u in targets for t in ast.walk(u)):
                found.append(node)
            continue
        waiting.extend(reversed([n for n in ast.iter_child_nodes(node) if _holds(n)]))
    return found


def _holds(node: Any) -> bool:
    return isinstance(node, (ast.stmt, ast.excepthandler)) or type(node).__name__ == "match_case"


def is_named(f: types.FunctionType) -> bool:
    """Return whether a module holds this very function under its name."""
    found: Any = sys.modules.get(f.__module__)
    for part in f.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is f


def defaults_of(f: types.FunctionType) -> dict[str, Any]:
    """Return the defaults of a function by the names of its arguments."""
    code = f.__code__
    names = code.co_varnames[: code.co_argcount]
    values = f.__defaults__ or ()
    given = dict(zip(names[len(names) - len(values) :], values, strict=True))
    return {**given, **(f.__kwdefaults__ or {})}


_HEAP = 1 << 9  # a flag of classes that a `class` statement made


def module_of(value: Any) -> str:
    """Return the module of a function or class; what exec() makes without `__name__` has none."""
    if isinstance(value, types.FunctionType):
        return str(value.__globals__.get("__name__", ""))
    if value.__module__ == "builtins" and value.__flags__ & _HEAP:
        return ""
    return str(value.__module__)


@functools.lru_cache(maxsize=256)
def is_library(module: str) -> bool:
    """Return whether a module is Python's, ours or installed: known by its name."""
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names or top == "lava_sqs":
        return top != "__main__"
    file = getattr(sys.modules.get(module), "__file__", None)
    if module == "__main__" or file is None:
        return module in sys.builtin_module_names
    folders = {sysconfig.get_path(p) for p in ("stdlib", "platstdlib", "purelib", "platlib")}
    return any(Path(f) in Path(file).parents for f in folders if f)

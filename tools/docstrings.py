"""Check the docstring of every public name: `uv run tools/docstrings.py`.

Each has one summary line; its parameters are those of the signature, with types, and arrays with
shapes; what it returns and raises is told; classes and functions have an example (which
tests/test_docs.py runs); references lead to public names. Two short forms are allowed:

- a method may refer to another, "as :meth:`Population.run`", instead of repeating it;
- names that only an inner module offers may tell their *parameters* in the text, and what they
  return in the summary ("Return ...").
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from numpydoc.docscrape import NumpyDocString

sys.path.insert(0, str(Path(__file__).parent))
import public

_REFERS = re.compile(r"(?i)\b(see|as|as in|as of|as for|like|those of)\s+:(class|meth|func|attr):`")
_RETURNS = re.compile(r"(Return|Yield|Whether)\b")
_ARRAY = re.compile(r"\b(array_like|ndarray)\b")


def main() -> int:
    """Print what is missing and the counts; return 1 if anything is missing."""
    total = complete = examples = 0
    problems = []
    for name, value, kind, offered in everything():
        found = list(check(value, kind, short=not offered))
        home, path = public.locate(name) or (name, [])
        wrong = public.broken_references(inspect.getdoc(value) or "", home, path)
        found += [f"refers to what has no entry: {target}" for target in wrong]
        total += 1
        complete += not found
        examples += kind in ("class", "function") and "Examples\n" in (inspect.getdoc(value) or "")
        problems += [f"{name}: {text}" for text in found]
    for module in public.modules():
        if not (module.__doc__ or "").strip():
            problems.append(f"{module.__name__}: no docstring")
        for target in public.broken_references(module.__doc__ or "", module.__name__, []):
            problems.append(f"{module.__name__}: refers to what has no entry: {target}")
    for n in public.names():
        if n.kind == "data":
            total += 1
            comment = public.constants(n.home).get(n.path.rpartition(".")[2], "")
            complete += bool(comment)
            if not comment:
                problems.append(f"{n.path}: no `#:` comment above the constant")
    print(*problems, sep="\n", end="\n" if problems else "")
    print(
        f"{total} public names, {complete} fully documented ({complete / total:.1%}), "
        f"{examples} examples"
    )
    return 1 if problems else 0


def everything() -> Iterator[tuple[str, Any, str, bool]]:
    """Yield (name, object, kind, offered) of classes, functions, methods and properties."""
    for n in public.names():
        if n.kind == "data":
            continue
        yield n.path, n.value, n.kind, n.offered
        if n.kind == "class":
            for name, value in public.members(n.value):
                what = "method" if inspect.isfunction(value) else "property"
                yield f"{n.path}.{name}", value, what, n.offered


def check(value: Any, kind: str, *, short: bool = False) -> Iterator[str]:
    """Yield what the docstring of *value* lacks; *short* allows the short form."""
    text = inspect.cleandoc(value.__doc__ or "")
    if not text:
        yield "no docstring"
        return
    summary = text.partition("\n\n")[0]
    if "\n" in summary or not summary.endswith("."):
        yield "the summary must be one line that ends with a full stop"
    doc = NumpyDocString(text)
    for section in ("Parameters", "Attributes"):
        for entry in doc[section]:
            words = " ".join([entry.type, *entry.desc])
            if not entry.type and not words.strip():
                yield f"`{entry.name}` has no type and no description"
            if _ARRAY.search(entry.type) and not re.search("shape|broadcasts to", words):
                yield f"`{entry.name}` has no shape"
    if kind == "property":
        return
    refers = bool(_REFERS.search(text))
    if not refers:
        yield from _parameters(value, kind, doc, text if short else "")
        yield from _raises(value, kind, doc, text)
    told = doc["Returns"] or doc["Yields"] or (short and _RETURNS.match(summary))
    if kind != "class" and not refers and _returns(value) and not told:
        yield "no section Returns"
    no_object = kind == "class" and (
        issubclass(value, BaseException) or getattr(value, "_is_protocol", False)
    )
    if kind in ("class", "function") and not no_object and ">>>" not in "".join(doc["Examples"]):
        yield "no example"


def _parameters(value: Any, kind: str, doc: NumpyDocString, prose: str) -> Iterator[str]:
    entries = list(doc["Parameters"])
    if kind == "class" and dataclasses.is_dataclass(value):
        entries += doc["Attributes"]  # results: what they take is what they show
        wanted = {f.name for f in dataclasses.fields(value) if f.init and f.name[0] != "_"}
    else:
        own = vars(value).get("__init__") if kind == "class" else value
        if getattr(value, "_is_protocol", False):
            own = None
        if own is None:  # inherits its constructor
            return
        wanted = set()
        for p in inspect.signature(own).parameters.values():
            if p.name not in ("self", "cls"):
                stars = "*" * (p.kind == p.VAR_POSITIONAL) + "**" * (p.kind == p.VAR_KEYWORD)
                wanted.add(stars + p.name)
    given = {part.strip() for e in entries for part in e.name.split(",")}
    given |= {name for name in wanted if f"*{name.lstrip('*')}*" in prose}
    if missing := sorted(wanted - given):
        yield f"parameters not documented: {', '.join(missing)}"
    documented = {part.strip() for e in doc["Parameters"] for part in e.name.split(",")}
    if unknown := sorted(documented - wanted):
        yield f"documented parameters that do not exist: {', '.join(unknown)}"


def _raises(value: Any, kind: str, doc: NumpyDocString, text: str) -> Iterator[str]:
    function = (vars(value).get("__init__") or vars(value).get("__post_init__")) if (
        kind == "class"
    ) else value  # fmt: skip
    if getattr(value, "_is_protocol", False):
        return
    if function is None or not hasattr(inspect.unwrap(function), "__code__"):
        return
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except OSError:  # made by dataclass()
        return
    raised, checks = set(), False
    for node in _without_nested(tree.body[0]):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            # ours say which argument: an ArgumentTypeError is documented as TypeError
            raised.add(ast.unparse(node.exc.func).removeprefix("Argument"))
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith(("check_", "_check")):
            checks = True
    raised = {name for name in raised if name.endswith(("Error", "Interrupt", "Exit"))}
    raised -= {"NotImplementedError", "AssertionError"}
    if missing := sorted(name for name in raised if name not in text):
        yield f"raises what is not documented: {', '.join(missing)}"
    elif checks and "Raises" not in text:
        yield "checks its arguments but has no section Raises"


def _without_nested(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (ast.FunctionDef, ast.ClassDef, ast.Lambda)):
            yield child
            yield from _without_nested(child)


def _returns(function: Any) -> bool:
    annotation = inspect.unwrap(function).__annotations__.get("return")
    return annotation not in (None, "None", "NoReturn", type(None))


if __name__ == "__main__":
    sys.exit(main())

"""Check the docstring of every public name: `uv run tools/docstrings.py`.

Each has one summary line; its parameters are those of the signature, with types, a phrase that
says what they are, and arrays with shapes; what it returns and raises is told, errors as "If ...";
classes and functions have an example (which tests/test_docs.py runs); references lead to public
names. Two short forms are allowed:

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

from numpydoc.docscrape import NumpyDocString, get_doc_object
from numpydoc.hooks.validate_docstrings import parse_config
from numpydoc.validate import Validator, validate

sys.path.insert(0, str(Path(__file__).parent))
import public

_REFERS = re.compile(r"(?i)\b(see|as|as in|as of|as for|like|those of)\s+:(class|meth|func|attr):`")
_RETURNS = re.compile(r"(Return|Yield|Whether)\b")
#: Descriptions that lean on the name of their parameter: "Of early stopping.", "In seconds."
_FRAGMENT = re.compile(
    r"(As|At|By|For|From|In|Is|Are|Of|On|Per|That|To|Whose|With)\b(?! how)", re.IGNORECASE
)
_ARRAY = re.compile(r"\b(array_like|ndarray)\b")

#: What numpydoc checks: `[tool.numpydoc_validation]` in pyproject.toml.
CHECKS = parse_config(Path(__file__).parents[1])["checks"]


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
    refers = bool(_REFERS.search(text))
    told = {"PR01", "RT01", "YD01"} if refers else set()
    told |= {"RT01", "YD01"} if short and _RETURNS.match(text) else set()
    for code, problem in validate(value, Docstring, prose=text if short else "")["errors"]:
        if code in CHECKS - told:
            yield problem
    doc = NumpyDocString(text)
    for entry in [*doc["Parameters"], *doc["Attributes"]]:
        words = " ".join([entry.type, *entry.desc])
        if problem := undescribed(" ".join(entry.desc)):
            yield f"`{entry.name}` {problem}"
        if _ARRAY.search(entry.type) and not re.search("shape|broadcasts to", words):
            yield f"`{entry.name}` has no shape"
    for entry in doc["Raises"]:
        if not re.match("(If|When|Whenever|Whatever) ", " ".join(entry.desc)):
            yield f"{entry.type}: say when it is raised, 'If ...'"
    if kind != "property" and not refers:
        yield from _raises(value, kind, text)
    no_object = kind == "class" and (issubclass(value, BaseException) or _is_protocol(value))
    if kind in ("class", "function") and not no_object and ">>>" not in "".join(doc["Examples"]):
        yield "no example"


def undescribed(text: str) -> str:
    """Return what a description of a parameter lacks, "" if nothing: it is at least a phrase."""
    if not text.strip():
        return "has no description"
    if fragment := _FRAGMENT.match(text):
        return f"has a description that begins with {fragment[1]!r}: name the thing"
    if len(text.split()) < 2:
        return f"is described by one word: {text!r}"
    return ""


class Docstring(Validator):
    """What numpydoc validates; parameters may be told in the *prose*, fields as attributes."""

    def __init__(self, obj_name: Any, *, prose: str = "") -> None:
        super().__init__(get_doc_object(obj_name))
        self._prose = prose

    @property
    def signature_parameters(self) -> tuple[str, ...]:
        """What a class takes by itself: Lava hides it, and a constructor may be inherited."""
        names = super().signature_parameters
        if inspect.isclass(self.obj) and not dataclasses.is_dataclass(self.obj):
            own = None if _is_protocol(self.obj) else vars(self.obj).get("__init__")
            names = Docstring(own).signature_parameters if own else super().doc_all_parameters
        return tuple(name for name in names if name[0] != "_")

    @property
    def doc_all_parameters(self) -> dict[str, Any]:
        """Those of the section, then in no order what is told elsewhere."""
        found: dict[str, Any] = super().doc_all_parameters
        wanted = self.signature_parameters
        places = self._doc_parameters(["Attributes"]) if dataclasses.is_dataclass(self.obj) else ()
        told = {n for n in wanted if n in places or f"*{n.lstrip('*')}*" in self._prose}
        if told - found.keys():
            told |= found.keys()
            return {n: found.get(n, ("", ["Told."])) for n in wanted if n in told} | found
        return found


def _is_protocol(value: Any) -> bool:
    return bool(getattr(value, "_is_protocol", False))


def _raises(value: Any, kind: str, text: str) -> Iterator[str]:
    function = (vars(value).get("__init__") or vars(value).get("__post_init__")) if (
        kind == "class"
    ) else value  # fmt: skip
    if _is_protocol(value) or function is None or not hasattr(inspect.unwrap(function), "__code__"):
        return
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except OSError:  # made by dataclass()
        return
    raised, checks = set(), False
    for node in _without_nested(tree.body[0]):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            # ours say which argument: an ArgumentTypeError is documented as TypeError
            name = ast.unparse(node.exc.func)
            raised.add(name.removeprefix("Argument").removeprefix("Parameter"))
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


if __name__ == "__main__":
    sys.exit(main())

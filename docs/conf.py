"""The site: `uv run sphinx-build -W docs build/site`, then open build/site/index.html.

Nothing is fetched, neither when the site is built nor when it is read: formulas become MathML here,
and the build fails if a page loads anything from another host, or if a public name has no entry.
"""

from __future__ import annotations

import importlib
import inspect
import re
import shutil
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

DOCS = Path(__file__).parent
ROOT = DOCS.parent
sys.path.insert(0, str(ROOT / "tools"))
import public  # noqa: E402 - of tools/

project = "lava_sqs"
author = "lava_sqs developers"
release = importlib.import_module("lava_sqs").__version__
extensions = ["sphinx.ext.autodoc", "numpydoc", "myst_nb", "sphinx_copybutton"]

nitpicky = True  # every cross-reference leads somewhere
html_theme = "furo"
html_title = f"lava_sqs {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False

autodoc_typehints = "none"  # the docstrings say it with shapes and units
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # the tests run the notebooks; the site shows what they wrote
nb_ipywidgets_js: dict[str, Any] = {}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# -- pages that live at the root of the repository ------------------------------------------------

ROOT_PAGES = {"index": "README.md", "contributing": "CONTRIBUTING.md", "changelog": "CHANGELOG.md"}
LINKS = {
    "](docs/": "](",
    "](CONTRIBUTING.md": "](contributing.md",
    "](CHANGELOG.md": "](changelog.md",
    "](LICENSE": "](../LICENSE",
    "](tutorials/)": "](tutorials.md)",
    "](tutorials/": "](tutorials/",
}


def with_titles(text: str) -> str:
    """Return markdown whose links [page.md](page.md) have no text: MyST puts the page's title."""
    return re.sub(r"\[`?[\w./-]+\.md`?\](\([\w./-]+\.md(?:#[\w-]+)?\))", r"[]\1", text)


def read_page(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put README and its like in place of their pages; the index has the navigation besides."""
    if docname in ROOT_PAGES:
        text = (ROOT / ROOT_PAGES[docname]).read_text()
        for old, new in LINKS.items():
            text = text.replace(old, new)
        source[0] = f"{text}\n\n{source[0]}" if docname == "index" else text
    if not docname.startswith("api/"):
        source[0] = with_titles(source[0])


def copy_tutorials(app: Sphinx) -> None:
    """Copy the notebooks to docs/tutorials, where Sphinx looks for them."""
    target = DOCS / "tutorials"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for notebook in (ROOT / "tutorials").glob("*.ipynb"):
        text = notebook.read_text().replace("](../docs/", "](../")
        (target / notebook.name).write_text(with_titles(text))


# -- the API: a page per room, an entry for every public name -------------------------------------

ROOMS = {
    "quantum": "The physics: `lava_sqs.quantum`",
    "hardware": "Devices: `lava_sqs.hardware`",
    "proc": "Lava Processes: `lava_sqs.proc`",
    "optimizers": "Optimizers: `lava_sqs.optimizers`",
    "neurons": "Neurons of networks: `lava_sqs.neurons`",
    "network": "Networks: `lava_sqs.network`",
    "study": "Studies: `lava_sqs.study`",
    "plot": "Plots: `lava_sqs.plot`",
    "data": "Data: `lava_sqs.data`",
    "execution": "Running in Lava: `lava_sqs.execution`",
    "testing": "Testing: `lava_sqs.testing`",
    "": "The command line, recordings and the rest",
}


def room_of(name: public.Name) -> str:
    """Return the room of a public name: where it is defined."""
    part = name.home.split(".")[1] if "." in name.home else ""
    return part if part in ROOMS else ""


def write_api_pages(app: Sphinx) -> None:
    """Write docs/api/<room>.rst: module by module, first those that the room offers names of."""
    folder = DOCS / "api"
    folder.mkdir(exist_ok=True)
    rooms: dict[str, dict[str, list[public.Name]]] = {room: defaultdict(list) for room in ROOMS}
    for name in public.names():
        rooms[room_of(name)][name.home].append(name)
    for room, title in ROOMS.items():
        heading = title.replace("`", "``")
        lines = [heading, "=" * len(heading), ""]
        if room:
            lines += [f".. automodule:: lava_sqs.{room}", "   :no-members:", ""]
        by_module = rooms[room]
        for package in sorted({m.rpartition(".")[0] for m in by_module} - {f"lava_sqs.{room}"}):
            if package != "lava_sqs" and importlib.import_module(package).__doc__:
                lines += [f".. automodule:: {package}", "   :no-members:", ""]
        inner = {m: not any(n.offered for n in names) for m, names in by_module.items()}
        for module in sorted(by_module, key=lambda m: (inner[m], m)):
            label = f"``{module}``"
            lines += [label, "-" * len(label), ""]
            if "._" not in module and module != f"lava_sqs.{room}":
                lines += [f".. automodule:: {module}", "   :no-members:", ""]
            for name in sorted(by_module[module], key=lambda n: not n.offered):
                lines += _entry(name)
        path = folder / f"{room or 'rest'}.rst"
        text = "\n".join(lines)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def _entry(name: public.Name) -> list[str]:
    directive = {"class": "autoclass", "function": "autofunction", "data": "autodata"}[name.kind]
    lines = [f".. {directive}:: {public.documented_as(name)}"]
    if name.kind == "class":
        members = ", ".join(member for member, _ in public.members(name.value))
        lines.append(f"   :members: {members}" if members else "   :no-members:")
    return [*lines, ""]


def escape_stars(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Make the star of a shape, (T, *batch, K), no emphasis."""
    lines[:] = [re.sub(r"(?<!``\()\*(batch|memory_shape)\b", r"\\*\1", line) for line in lines]


def true_signature(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, args: str | None, returns: Any
) -> tuple[str | None, Any]:
    """Show the arguments of a Process's constructor: Lava's metaclass hides them."""
    if what == "class" and args == "(*args, **kwargs)":
        own = inspect.signature(obj.__init__)
        shown = [p.replace(annotation=p.empty) for p in own.parameters.values() if p.name != "self"]
        args = str(own.replace(parameters=shown, return_annotation=own.empty))
    return args, returns


def write_full_references(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Let `:class:`Engine` in a docstring mean the Engine of its own module."""
    home, path = public.locate(name) or (name, [])
    lines[:] = public.with_full_references("\n".join(lines), home, path).split("\n")


def leave_other_packages(app: Sphinx, env: Any, node: Any, contnode: Any) -> Any:
    """Show references to other packages without a link: their sites are elsewhere."""
    return contnode if node["reftarget"].partition(".")[0] in public.OTHERS else None


# -- formulas --------------------------------------------------------------------------------------


_FUNCTION = r"<mi>(?:arcsin|atan2|cos|exp|log|max|min|sin)</mi>"


def mathml(node: Any, *, as_block: bool) -> str:
    """Return the MathML of a formula, with thin spaces around the names of functions."""
    text = str(tex2mathml(node.astext(), as_block=as_block))
    text = re.sub(
        rf"({_FUNCTION})(?=\s*<m(?:i|n|sub|frac|row)\b)", r'\1<mspace width="0.17em"/>', text
    )
    return re.sub(rf"(</mi>|</mn>)(\s*)({_FUNCTION})", r'\1\2<mspace width="0.17em"/>\3', text)


def visit_math(self: Any, node: Any) -> None:
    """Write a formula in the text as MathML."""
    self.body.append(mathml(node, as_block=False))
    raise nodes.SkipNode


def visit_math_block(self: Any, node: Any) -> None:
    """Write a displayed formula as MathML."""
    self.body.append(f'<div class="formula">{mathml(node, as_block=True)}</div>')
    raise nodes.SkipNode


# -- what the finished site must be ----------------------------------------------------------------

_LOADS = re.compile(r'<(?:script|link|img|iframe)\b[^>]*(?:src|href)="(?:https?:)?//[^"]*"')


def check_site(app: Sphinx, error: Exception | None) -> None:
    """Fail if a page loads something from another host, or a public name has no entry."""
    if error is not None or app.builder.name != "html":
        return
    loads = {
        f"{page.relative_to(app.outdir)}: {tag}"
        for page in Path(app.outdir).rglob("*.html")
        for tag in _LOADS.findall(page.read_text())
        if 'rel="canonical"' not in tag
    }
    objects = app.env.get_domain("py").objects
    wanted = public.entries()
    missing = sorted(wanted - set(objects))
    if loads or missing:
        raise ExtensionError("\n".join([*sorted(loads), *(f"no entry: {m}" for m in missing)]))
    print(f"{len(wanted)} public names have an entry; nothing is loaded from other hosts")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the above."""
    app.connect("builder-inited", copy_tutorials)
    app.connect("builder-inited", write_api_pages)
    app.connect("source-read", read_page)
    app.connect("autodoc-process-docstring", escape_stars, priority=400)  # before numpydoc
    app.connect("autodoc-process-signature", true_signature)
    app.connect("autodoc-process-docstring", write_full_references, priority=400)
    app.connect("missing-reference", leave_other_packages)
    app.connect("build-finished", check_site)
    app.add_html_math_renderer(
        "mathml", inline_renderers=(visit_math, None), block_renderers=(visit_math_block, None)
    )
    return {"parallel_read_safe": True}

# /// script
# requires-python = ">=3.10"
# dependencies = ["playwright>=1.40,<2"]
# ///
"""Open pages in a headless Chromium, as `uv run tools/browser.py FILE...` does.

At every width and in light and dark: no warning in the console, no request, nothing wider than the
window, an alternative text for each picture. Prints a line for each, and exits with 1 if one is
wrong. `--out DIR` keeps pictures. It takes the Chromium or Chrome on PATH, and downloads none.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
WIDTHS = (1280, 400)
#: What is wider than the window, though not in a box that scrolls by itself.
LOOK = """() => {
  const wide = [...document.querySelectorAll('body *')].filter(e => {
    for (let p = e.parentElement; p; p = p.parentElement)
      if (['auto', 'scroll'].includes(getComputedStyle(p).overflowX)) return false;
    return e.getBoundingClientRect().right > window.innerWidth + 0.5;
  });
  return {
    width: document.documentElement.scrollWidth, window: document.documentElement.clientWidth,
    wide: wide.slice(0, 5).map(e => e.tagName.toLowerCase() + ' ' + e.className),
    silent: [...document.images].filter(i => !i.alt.trim()).length,
    broken: [...document.images].filter(i => !i.complete || !i.naturalWidth).length,
    images: document.images.length,
  };
}"""


def browser() -> str | None:
    """Return the path of a browser, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def faults(page: Any, file: Path) -> Iterator[str]:
    """Open a file in a page, and say what is wrong with it."""
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda r: asked.append(r.url))
    page.goto(file.resolve().as_uri())
    own = file.resolve().as_uri()
    yield from (f"console: {text}" for text in said)
    yield from (f"request: {url[:80]}" for url in asked if url != own and url[:5] != "data:")
    seen = page.evaluate(LOOK)
    if seen["width"] > seen["window"]:
        yield f"{seen['width']} pixels wide in a window of {seen['window']}"
    yield from (f"too wide: {name}" for name in seen["wide"])
    for kind, what in (("silent", "without alternative text"), ("broken", "not shown")):
        if seen[kind]:
            yield f"{seen[kind]} of {seen['images']} pictures {what}"


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(description="Open pages in a headless Chromium.")
    parser.add_argument("file", nargs="+", type=Path, metavar="FILE", help="HTML file")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where pictures go")
    args = parser.parse_args()
    from playwright.sync_api import sync_playwright

    path = browser()
    if path is None:
        print("there is no Chromium on PATH: apt-get install chromium", file=sys.stderr)
        return 2
    wrong = 0
    with sync_playwright() as play:
        # The sandbox needs rights that a container does not give; the pages are our own.
        chromium = play.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for file in args.file:
            for width in WIDTHS:
                for scheme in ("light", "dark"):
                    page = chromium.new_page(
                        viewport={"width": width, "height": 800}, color_scheme=scheme
                    )
                    found = list(faults(page, file))
                    wrong += bool(found)
                    print(
                        f"{file.name} at {width}, {scheme}: {json.dumps(found) if found else 'ok'}"
                    )
                    if args.out is not None:
                        args.out.mkdir(parents=True, exist_ok=True)
                        name = f"{file.stem}-{width}-{scheme}.png"
                        page.screenshot(path=args.out / name, full_page=True)
                    page.close()
        chromium.close()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""Run the Python of a page, block after block in one namespace: ``python run_page.py PAGE``.

Blocks with prompts (``>>>``) are doctests: what they show must be what comes. Errors have the line
of the page.
"""

import doctest
import re
import sys
from pathlib import Path

BLOCK = re.compile(r"^```(?:python|pycon)\n(.*?)^```", re.M | re.S)


def main(page: str) -> int:
    """Return how many examples failed; any other error ends it."""
    text = Path(page).read_text()
    namespace = {"__name__": "__main__", "__file__": page}
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    for found in BLOCK.finditer(text):
        line = text.count("\n", 0, found.start(1))
        block = found.group(1)
        if block.startswith(">>>"):
            test = doctest.DocTestParser().get_doctest(block, namespace, page, page, line)
            runner.run(test, clear_globs=False)
            namespace = test.globs
        else:
            exec(compile("\n" * line + block, page, "exec"), namespace)
    return runner.failures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

"""Run the Python of pages, block after block in one namespace of a process of its own.

``python run_page.py`` reads lines "PAGE, tab, FOLDER, tab, OUTPUT" and writes an exit code for
each. Libraries are imported once, before processes are forked; of lava_sqs and Lava nothing is.
Blocks with prompts (``>>>``) are doctests: what they show must be what comes. Errors have the line
of the page.
"""

import doctest
import importlib
import os
import re
import sys
from pathlib import Path

LIBRARIES = "matplotlib.pyplot", "networkx", "numba", "pandas", "qutip", "scipy.stats", "sklearn"

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


def serve() -> None:
    """Fork for each line of standard input, one after the other."""
    for name in LIBRARIES:
        importlib.import_module(name)
    for line in sys.stdin:
        page, folder, output = line.rstrip("\n").split("\t")
        if os.fork() == 0:
            os.chdir(folder)
            for number, file in enumerate((os.devnull, output, output)):
                os.dup2(os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT), number)
            sys.exit(main(page))
        print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)


if __name__ == "__main__":
    serve()

"""What the page on networks of Lava shows in files of their own."""

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs/howto/run-lava.md"


def test_a_process_with_parts(tmp_path):
    (code,) = re.findall(r":caption: layer.py\n\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    file = tmp_path / "layer.py"
    file.write_text(code, "utf-8")
    done = subprocess.run([sys.executable, file], capture_output=True, text=True, timeout=120)
    assert done.stdout == "(10, 2)\n", done.stderr

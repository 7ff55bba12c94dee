"""Networks for these tests are in a module beside them, faulty Processes one folder above."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

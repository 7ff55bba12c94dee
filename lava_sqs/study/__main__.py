"""`python -m lava_sqs.study` is the command `lava-sqs study`."""

import sys

from lava_sqs.cli.study import main

if __name__ == "__main__":
    sys.exit(main())

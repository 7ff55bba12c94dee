"""The command line."""

from lava_sqs.cli._main import build_parser, main

__all__ = ["build_parser", "main"]

"""The commands of ``lava-sqs``: parse, call, print; one family per file."""

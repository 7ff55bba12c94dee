"""Encoders and data sets."""

from lava_sqs.data.datasets import (
    Dataset,
    bin_events,
    load_digits,
    load_japanese_vowels,
    load_mnist,
    load_nmnist,
    load_npz,
    load_santa_fe,
    load_usps,
    pool_events,
    read_nmnist_events,
)
from lava_sqs.data.encoders import ENCODERS, Scale, current, latency, population, rate

__all__ = [
    "ENCODERS",
    "Dataset",
    "Scale",
    "bin_events",
    "current",
    "latency",
    "load_digits",
    "load_japanese_vowels",
    "load_mnist",
    "load_nmnist",
    "load_npz",
    "load_santa_fe",
    "load_usps",
    "pool_events",
    "population",
    "rate",
    "read_nmnist_events",
]

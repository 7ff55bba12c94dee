"""Encoders and data sets."""

from lava_sqs.data.augment import Shift
from lava_sqs.data.dataset import Dataset, load_npz
from lava_sqs.data.encoders import ENCODERS, Scale, current, latency, population, rate
from lava_sqs.data.event_archives import load_dvs_gesture, load_shd
from lava_sqs.data.event_files import read_events
from lava_sqs.data.event_sets import EventFrames, load_events
from lava_sqs.data.events import bin_events, load_nmnist, pool_events, read_nmnist_events
from lava_sqs.data.images import load_digits, load_mnist, load_usps
from lava_sqs.data.series import load_japanese_vowels, load_santa_fe, windows

__all__ = [
    "ENCODERS",
    "Dataset",
    "EventFrames",
    "Scale",
    "Shift",
    "bin_events",
    "current",
    "latency",
    "load_digits",
    "load_dvs_gesture",
    "load_events",
    "load_japanese_vowels",
    "load_mnist",
    "load_nmnist",
    "load_npz",
    "load_santa_fe",
    "load_shd",
    "load_usps",
    "pool_events",
    "population",
    "rate",
    "read_events",
    "read_nmnist_events",
    "windows",
]

"""Images: bundled with scikit-learn, or fetched from OpenML once."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs import _seeds
from lava_sqs._checks import check_positive
from lava_sqs._errors import ArgumentConnectionError, ArgumentValueError
from lava_sqs._seeds import check_seed
from lava_sqs.data.dataset import Dataset, load_npz

__all__ = ["load_digits", "load_mnist", "load_usps"]

Array = NDArray[Any]


def load_digits(*, test_fraction: float = 0.25, seed: int = 0) -> Dataset:
    """Return scikit-learn's bundled 8x8 digits as uint8 images from 0 to 255.

    Parameters
    ----------
    test_fraction : float
        Share of test samples, above 0 and below 1.
    seed : int
        Seed of the split, which keeps the shares of the classes.

    Returns
    -------
    Dataset
        Samples of shape (8, 8), labels 0 to 9.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value.

    Examples
    --------
    >>> print(load_digits())
    scikit-learn digits: 1347 train, 450 test, samples of shape (8, 8) (uint8), 10 classes

    References
    ----------
    UCI Machine Learning Repository, Optical Recognition of Handwritten Digits.
    """
    from sklearn.datasets import load_digits as bundled
    from sklearn.model_selection import train_test_split

    fraction = check_positive("test_fraction", test_fraction, below=1.0)
    seed = check_seed("seed", seed)
    if seed >= 2**32:  # more than scikit-learn takes
        seed = _seeds.of_sequence(_seeds.sequence(seed))
    X, y = bundled(return_X_y=True)
    if min(fraction, 1 - fraction) * len(y) < 20:
        raise ArgumentValueError(
            "test_fraction",
            "must leave two samples of each digit in either part, but "
            f"got {test_fraction}: one of them would have fewer than 20 of {len(y)}.",
        )
    # The bundled digits have 17 levels, 0 to 16; bytes have one scale with the other image sets.
    images = np.round(X.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    x_train, x_test, y_train, y_test = train_test_split(
        images, y, test_size=fraction, random_state=seed, stratify=y
    )
    return Dataset(x_train, y_train, x_test, y_test, "scikit-learn digits")


def load_usps(path: str | Path | None = None, *, cache: str | Path | None = None) -> Dataset:
    """Return USPS digits, 7291 + 2007 images of 16x16 (uint8), labels 0 to 9.

    Parameters
    ----------
    path : str or Path, optional
        An npz as for :func:`load_npz`. None fetches the data from OpenML (41082) once.
    cache : str or Path, optional
        Where scikit-learn keeps what it fetched; None is its own default.

    Returns
    -------
    Dataset

    Raises
    ------
    ConnectionError
        If OpenML cannot be reached and nothing is in the cache.

    Examples
    --------
    >>> data = load_usps()  # doctest: +SKIP
    >>> print(data.classes(1, 7))  # doctest: +SKIP
    USPS (OpenML 41082): 1650 train, 411 test, samples of shape (16, 16) (uint8), 2 classes

    References
    ----------
    Hull, IEEE Trans. Pattern Anal. Mach. Intell. 16, 550 (1994).
    """
    if path is not None:
        return load_npz(path)
    X, y = _openml(41082, "USPS", cache)
    # OpenML's USPS runs from -1 to 1, and its labels from 1 to 10.
    images = np.round((X.astype(float) + 1) * 127.5).clip(0, 255).astype(np.uint8)
    return _split(images.reshape(-1, 16, 16), y.astype(int) - 1, 7291, "USPS (OpenML 41082)")


def load_mnist(path: str | Path | None = None, *, cache: str | Path | None = None) -> Dataset:
    """Return MNIST digits, 60000 + 10000 images of 28x28 (uint8); otherwise as :func:`load_usps`.

    Parameters
    ----------
    path : str or Path, optional
        An npz as for :func:`load_npz`. None fetches the data from OpenML (554) once.
    cache : str or Path, optional
        Where scikit-learn keeps what it fetched; None is its own default.

    Returns
    -------
    Dataset

    Examples
    --------
    >>> load_mnist().x_train.shape  # doctest: +SKIP
    (60000, 28, 28)

    References
    ----------
    LeCun, Bottou, Bengio, Haffner, Proc. IEEE 86, 2278 (1998).
    """
    if path is not None:
        return load_npz(path)
    X, y = _openml(554, "MNIST", cache)
    images = X.astype(np.uint8).reshape(-1, 28, 28)
    return _split(images, y.astype(int), 60000, "MNIST (OpenML 554)")


def _split(X: Array, y: Array, n_train: int, source: str) -> Dataset:
    return Dataset(X[:n_train], y[:n_train], X[n_train:], y[n_train:], source)


def _openml(data_id: int, name: str, cache: str | Path | None) -> tuple[Array, Array]:
    from sklearn.datasets import fetch_openml

    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "A network error occurred")  # the error below says it
            X, y = fetch_openml(
                data_id=data_id,
                return_X_y=True,
                as_frame=False,
                data_home=cache,
                parser="liac-arff",
            )
    except OSError as error:  # URLError, HTTPError, timeouts: all of them
        reason = getattr(error, "reason", error)
        raise ArgumentConnectionError(
            "path",
            "must name a copy (an npz with x_train, y_train, x_test and y_test), since "
            f"{name} could not be fetched from OpenML (data set {data_id}): {reason}.",
        ) from error
    return X, y

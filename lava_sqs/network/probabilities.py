"""How sure a classifier is: probabilities of classes, and what their softmax is taken of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax

from lava_sqs.network.inference import AS_TRAINED, _Inference
from lava_sqs.network.on_device import OFFLINE

__all__: list[str] = []

Array = NDArray[Any]


class _Probabilities(_Inference):
    """A network that gives each class a number."""

    def predict_proba(
        self,
        X: Any,
        *,
        lengths: Any = None,
        mask: Any = None,
        n_repeats: int = 1,
        noise: Any = AS_TRAINED,
        seed: int | None = None,
        runtime: Any = OFFLINE,
    ) -> Array:
        """Return a probability per class.

        By count: the softmax of the spike counts that training ascends (mean over repeats); of a
        network that learned a likelihood the class's share of the spikes, with one spike more for
        every class. By likelihood: the posterior for equal priors. None is calibrated.

        Parameters
        ----------
        X : array_like, shape (n, ...), or list of arrays
            Samples, laid out as in `fit`.
        lengths, mask, n_repeats, noise, seed, runtime
            See :meth:`predict`.

        Returns
        -------
        ndarray, shape (n, n_classes) or (n, T, n_classes)
            Rows add up to 1; NaN in steps that are not a sample's own.
        """
        return np.asarray(
            softmax(self._logits(X, lengths, mask, n_repeats, noise, seed, runtime), axis=-1)
        )

    def predict_log_proba(
        self,
        X: Any,
        *,
        lengths: Any = None,
        mask: Any = None,
        n_repeats: int = 1,
        noise: Any = AS_TRAINED,
        seed: int | None = None,
        runtime: Any = OFFLINE,
    ) -> Array:
        """Return the logarithm of :meth:`predict_proba`, which no small probability makes infinite.

        Parameters
        ----------
        X : array_like, shape (n, ...), or list of arrays
            Samples, laid out as in `fit`.
        lengths, mask, n_repeats, noise, seed, runtime
            See :meth:`predict`.

        Returns
        -------
        ndarray, shape (n, n_classes)
        """
        return np.asarray(
            log_softmax(self._logits(X, lengths, mask, n_repeats, noise, seed, runtime), axis=-1)
        )

    def decision_function(
        self,
        X: Any,
        *,
        lengths: Any = None,
        mask: Any = None,
        n_repeats: int = 1,
        noise: Any = AS_TRAINED,
        seed: int | None = None,
        runtime: Any = OFFLINE,
    ) -> Array:
        """Return what the softmax of :meth:`predict_proba` is taken of; largest for the answer.

        Parameters
        ----------
        X : array_like, shape (n, ...), or list of arrays
            Samples, laid out as in `fit`.
        lengths, mask, n_repeats, noise, seed, runtime
            See :meth:`predict`.

        Returns
        -------
        ndarray, shape (n, n_classes), or (n,)
            For two classes the second minus the first, as scikit-learn has it.
        """
        found = self._logits(X, lengths, mask, n_repeats, noise, seed, runtime)
        # The difference of two logits is the log-odds of the second class.
        return found[..., 1] - found[..., 0] if len(self.classes_) == 2 else found

    def _logits(
        self,
        X: Any,
        lengths: Any,
        mask: Any,
        n_repeats: int,
        noise: Any,
        seed: int | None,
        runtime: Any,
    ) -> Array:
        """Return what the softmax makes probabilities of, (n, n_classes)."""
        X = self._check_X(X, lengths, mask)
        scores = self._scores(X, n_repeats, noise, seed, runtime=runtime)[0].sum(axis=0)
        if self.readout == "likelihood":
            return scores
        if self.objective_ == "likelihood":
            # log(1 + n): one spike more for every class (Laplace), so a silent class has no
            # infinite log.
            return np.asarray(np.log1p(scores))
        return np.asarray(scores / (n_repeats * self.temperature_))

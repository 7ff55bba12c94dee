"""What a training on a device will take, before it starts."""

from __future__ import annotations

from typing import Any

from sklearn.base import clone

from lava_sqs._checks import check_instance, check_int
from lava_sqs._errors import ArgumentValueError
from lava_sqs.network import SQSNN
from lava_sqs.network.device_rules import rule_of
from lava_sqs.network.device_training import Shots, shots_of
from lava_sqs.network.objective import default_neurons_per_class
from lava_sqs.network.progress import epochs_of

__all__ = ["shots"]


def shots(
    model: SQSNN,
    n_samples: int,
    *,
    gradient: Any = "twin",
    n_classes: int | None = None,
    n_steps: int | None = None,
    n_held: int = 0,
) -> Shots:
    """Return how many runs of a neuron ``model.fit(X, y, runtime=device)`` will take.

    A run is one neuron and one sample of T + depth steps. It says what the first fit would take, or
    with ``warm_start=True`` the next one. With a `sample_weight` samples are drawn, and there may
    be one more or fewer per epoch.

    Parameters
    ----------
    model : SQSNN
        Fitted or not.
    n_samples : int
        Number of samples that it learns from, without those that are held out.
    gradient : str, Twin, Perturbation or Shift
        See `fit`.
    n_classes : int, optional
        None is that of a fitted model.
    n_steps : int, optional
        T of sequences. It decides how many visible neurons there are, if the model does not say so.
    n_held : int
        Samples that are held out, or given as `validation_data`: run once per epoch.

    Returns
    -------
    Shots
        Per update and in total.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value, or a number that is not yet known is missing.

    Examples
    --------
    >>> model = SQSNN((4,), neurons_per_class=1, epochs=10, batch_size=20)
    >>> shots(model, 100, n_classes=2)
    Shots(per_update=120, total=6000)
    """
    check_instance("model", model, SQSNN)
    n_samples = check_int("n_samples", n_samples, minimum=1)
    n_held = check_int("n_held", n_held, minimum=0)
    rule = rule_of(gradient)
    if hasattr(model, "spec_"):
        spec = model.spec_
    else:
        if n_classes is None:
            raise ArgumentValueError("n_classes", "must be given for a model that is not fitted.")
        spec = _spec_of(model, check_int("n_classes", n_classes, minimum=2), n_steps)
    return shots_of(model, spec, rule, n_samples, epochs_of(model, n_samples), n_held)


def _spec_of(model: SQSNN, n_classes: int, n_steps: int | None) -> Any:
    """Return the network that a fit would make; of its inputs nothing depends on their number."""
    own: Any = clone(model)
    own._check_arguments()
    own._keep_parameters()
    steps = n_steps
    if steps is None and own.input_kind in ("sequence", "spikes"):
        if own.neurons_per_class is None:
            raise ArgumentValueError(
                "n_steps",
                "must be given for sequences, as the number of visible neurons depends on it, "
                "unless the model has `neurons_per_class`.",
            )
        steps = 1
    steps = own.n_steps if steps is None else check_int("n_steps", steps, minimum=1)
    own.neurons_per_class_ = own.neurons_per_class or default_neurons_per_class(own, steps)
    return own._make_spec(1, n_classes)

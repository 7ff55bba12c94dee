"""Our own models for Lava's connections and LIF: the same numbers to the last bit, in less time.

``SQSSimCfg`` takes them where it would take Lava's; see :func:`quicker`.
"""

from __future__ import annotations

import logging
from typing import Any

import lava_sqs._start_method  # noqa: F401 - first: it makes Lava importable

# isort: split
from lava.proc.dense import models as dense
from lava.proc.lif import models as lif
from lava.proc.sparse import models as sparse

from lava_sqs.proc import _stock_learning, _stock_neurons, _stock_synapses

__all__ = ["quicker"]

_log = logging.getLogger(__name__)

#: Ours for each of Lava's.
_OURS: dict[Any, Any] = {
    dense.PyDenseModelFloat: _stock_synapses.DenseModel,
    dense.PyDenseModelBitAcc: _stock_synapses.DenseModelBitAcc,
    dense.PyDelayDenseModelFloat: _stock_synapses.DelayDenseModel,
    dense.PyDelayDenseModelBitAcc: _stock_synapses.DelayDenseModelBitAcc,
    dense.PyLearningDenseModelFloat: _stock_learning.LearningDenseModel,
    lif.PyLifModelFloat: _stock_neurons.LifModel,
    lif.PyLifResetModelFloat: _stock_neurons.LifResetModel,
    sparse.PySparseModelFloat: _stock_synapses.SparseModel,
    sparse.PySparseModelBitAcc: _stock_synapses.SparseModelBitAcc,
    sparse.PyDelaySparseModelFloat: _stock_synapses.DelaySparseModel,
    sparse.PyDelaySparseModelBitAcc: _stock_synapses.DelaySparseModelBitAcc,
    sparse.PyLearningSparseModelFloat: _stock_learning.LearningSparseModel,
}

#: Lava's models that have no counterpart here, and why.
_NONE = dict.fromkeys(
    (dense.PyLearningDenseModelBitApproximate, sparse.PyLearningSparseModelBitApproximate),
    "its rules round at random, product by product",
)


def quicker(model: Any) -> Any:
    """Return our model in place of one of Lava's; any other, such as a subclass, as it is.

    Parameters
    ----------
    model : ProcessModel class
        The one that a run configuration has chosen.

    Returns
    -------
    ProcessModel class
    """
    ours = _OURS.get(model)
    if ours is not None:
        _log.debug("%s takes the place of Lava's %s", ours.__name__, model.__name__)
    elif model in _NONE:
        _log.debug("Lava's %s stays: %s", model.__name__, _NONE[model])
    return ours or model

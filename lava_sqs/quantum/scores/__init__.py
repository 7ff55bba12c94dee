"""Exact local scores: gradients of the log-likelihood of spike trains."""

from lava_sqs.quantum.scores.online import OnlineScores
from lava_sqs.quantum.scores.published import published_gradient
from lava_sqs.quantum.scores.recorded import SpikeTrainScorer, score_spike_train

__all__ = [
    "OnlineScores",
    "SpikeTrainScorer",
    "published_gradient",
    "score_spike_train",
]

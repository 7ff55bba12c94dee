"""Local learning: Lava rules that carry exact scores, and the optimizers behind them."""

from lava_sqs.learning.optimizers import Optimizer
from lava_sqs.learning.rules import SQSLearningRule, SQSRewardRule, connect_learning

__all__ = ["Optimizer", "SQSLearningRule", "SQSRewardRule", "connect_learning"]

"""Local learning: optimizers and the published rule here; the Lava rules in ``learning.rules``.

Importing this package needs no Lava.
"""

from lava_sqs.learning.optimizers import Optimizer
from lava_sqs.learning.published import published_gradient

__all__ = ["Optimizer", "published_gradient"]

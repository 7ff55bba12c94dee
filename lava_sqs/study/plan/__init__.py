"""What a study will do: its points, their ids and seeds, and when each is done."""

from lava_sqs.study.plan.ids import batch_seed as batch_seed
from lava_sqs.study.plan.ids import canonical as canonical
from lava_sqs.study.plan.ids import row_id as row_id
from lava_sqs.study.plan.noise import noise_from
from lava_sqs.study.plan.points import RESERVED as RESERVED
from lava_sqs.study.plan.points import Point
from lava_sqs.study.plan.points import expand as expand
from lava_sqs.study.plan.points import flatten as flatten
from lava_sqs.study.plan.stop import Stop

__all__ = ["Point", "Stop", "noise_from"]

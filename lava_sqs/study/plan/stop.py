"""When a point is done."""

from __future__ import annotations

from dataclasses import dataclass

from lava_sqs._checks import check_int, check_positive
from lava_sqs.study.counts import Counts
from lava_sqs.study.intervals import interval

__all__ = ["Stop"]


@dataclass(frozen=True, kw_only=True)
class Stop:
    """When a point is done: at the first batch after which ANY of these holds.

    Batches are judged in their order, so the answer does not depend on who computed them when.

    Attributes
    ----------
    max_shots, max_errors : int or None
        Sums over batches.
    target_width : float or None
        Width of the confidence interval (at *level*). A spread over seeds needs three of them
        before it is judged.
    max_batches : int or None
        None is 1 if there is no other rule, else 1000: no study runs forever.
    level : float
        Confidence level of the interval.

    Raises
    ------
    TypeError, ValueError
        If a limit is not a positive integer, or a width or level not a positive number.

    Examples
    --------
    >>> from lava_sqs.study import Counts
    >>> Stop(max_errors=10).reached(Counts.of_shots(500, errors=12), batches=5)
    'max_errors'
    """

    max_shots: int | None = None
    max_errors: int | None = None
    target_width: float | None = None
    max_batches: int | None = None
    level: float = 0.95

    def __post_init__(self) -> None:
        for name in ("max_shots", "max_errors", "max_batches"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, check_int(name, getattr(self, name), minimum=1))
        check_positive("level", self.level, below=1.0)
        if self.target_width is not None:
            width = check_positive("target_width", self.target_width)
            object.__setattr__(self, "target_width", width)

    @property
    def batch_limit(self) -> int:
        """The largest number of batches of a point."""
        if self.max_batches is not None:
            return self.max_batches
        rules = (self.max_shots, self.max_errors, self.target_width)
        return 1 if all(rule is None for rule in rules) else 1000

    def reached(self, counts: Counts, batches: int) -> str:
        """Return the rule that stops a point, or an empty text.

        Parameters
        ----------
        counts : Counts
            Counts of the point so far.
        batches : int
            How many made them.

        Returns
        -------
        str
        """
        if self.max_shots is not None and counts.shots >= self.max_shots:
            return "max_shots"
        if self.max_errors is not None and counts.errors >= self.max_errors:
            return "max_errors"
        # Two values may agree by chance, and Student's t with one degree of freedom says little.
        enough = counts.shots >= 3 if counts.kind == "values" else counts.shots > 0
        if (
            self.target_width is not None
            and enough
            and interval(counts, self.level).width <= self.target_width
        ):
            return "target_width"
        return "max_batches" if batches >= self.batch_limit else ""

"""Results on disk: append-only CSV, one row per finished batch, rows add up."""

from lava_sqs.study.store.files import RowStore as RowStore
from lava_sqs.study.store.files import StoreError, StudyWarning, combine, read_rows
from lava_sqs.study.store.rows import Row

__all__ = ["Row", "StoreError", "StudyWarning", "combine", "read_rows"]

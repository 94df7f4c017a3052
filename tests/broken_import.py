"""A stage whose module takes long to import."""

from __future__ import annotations

import time
from typing import ClassVar

from ftdata.batch import Batch
from ftdata.stages import Transform

_END = time.process_time() + 0.8
while time.process_time() < _END:
    pass


class Heavy(Transform):
    """Do nothing wrong."""

    name: ClassVar[str] = "heavy"

    def apply(self, batch: Batch) -> Batch:
        return batch

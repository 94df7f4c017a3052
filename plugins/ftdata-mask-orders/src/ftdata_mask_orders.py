"""Mask order numbers in training rows: a worked example of an ftdata plugin."""

from typing import ClassVar

from pydantic import Field

import ftdata


class MaskOrders(ftdata.Transform):
    """Replace order numbers by [ORDER]."""

    name: ClassVar[str] = "mask-orders"
    prefix: str = Field(pattern=r"^[A-Za-z][\w-]*$", description="what order numbers begin with, such as LM-")

    def reads_meta(self) -> frozenset[str]:
        """Decide by no meta; its texts are masked too."""
        return frozenset()

    def apply(self, batch: ftdata.Batch) -> ftdata.Batch:
        """Mask the numbers in all texts of a batch."""
        number = rf"(?-u:\b){self.prefix}[0-9]{{3,12}}(?-u:\b)"
        mask = {"tools": True, "extra": True, "meta": True}
        return ftdata.map_text(batch, lambda texts: texts.str.replace_all(number, "[ORDER]"), **mask)


@ftdata.hookimpl
def ftdata_stages() -> list[type[ftdata.Transform]]:
    """List the stages of this plugin."""
    return [MaskOrders]

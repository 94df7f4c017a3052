"""Know the exports of common help desks by their column names: what they are, whether they hold any message at all.

What is known is data: the dialects in `help_desk/dialects`, by which the reader `help-desk` reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ftdata.readers.words import words

if TYPE_CHECKING:
    from ftdata.readers.help_desk.dialect import Shape

# The package of the reader builds on those that ask here: it is imported when it is asked.


def recognise(header: Sequence[str]) -> Shape | None:
    """Name the export that these columns come from; None if it is not a known one."""
    from ftdata.readers.help_desk.dialect import shipped
    from ftdata.readers.help_desk.outline import by_columns

    found = by_columns(header, list(shipped().values()))
    return None if found is None else found[1]


def visibility_names(shape: Shape | None) -> tuple[str, ...]:
    """Give the names of the columns of which one tells public from private in this export."""
    if shape is None or shape.message is None or shape.entries is not None:
        return ()
    if shape.message.visibility is not None:
        return shape.message.visibility.path
    return shape.message.kind.path if shape.message.kind is not None else ()


def visibility_columns(shape: Shape | None, header: Sequence[str]) -> tuple[int, ...]:
    """Give the numbers (from 0) of the columns that tell public from private in this export."""
    told = {words(name) for name in visibility_names(shape)}
    return tuple(i for i, name in enumerate(header) if words(name) in told)

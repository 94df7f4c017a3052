"""Find again, as bare digits, what its conversation proves elsewhere: `(11) 98765-4321`, then `11987654321`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl

from ftdata.transforms.pii.find import Found

_LEAST = 9  # digits: fewer are too often a date or a count
_HINT = f"[0-9]{{{_LEAST}}}"
_RUN = re.compile(rf"(?<![\w#$€£])(?<![0-9][.,/\-])[0-9]{{{_LEAST},19}}(?![\w%]|[.,/\-][0-9])")
_TYPES = ("cpf", "cnpj", "card", "phone")  # of two whose digits are the same the first counts


def echoes(
    texts: pl.Series, rows: np.ndarray[Any, Any], given: Mapping[int, Iterable[tuple[str, str]]]
) -> dict[int, list[Found]]:
    """Find runs of nine digits and more that equal a phone, card, CPF or CNPJ given in the same row.

    A phone also without its country code, and then with a 0 before it. `given` has type and value by row; digits that a
    letter, a currency or a joint with other digits touches are no such run.
    """
    bare: dict[int, dict[str, tuple[str, str]]] = {}
    for row, values in given.items():
        known = {digits: (type, value) for type, value in sorted(values, key=_rank) for digits in _bare(type, value)}
        if known:
            bare[row] = known
    found: dict[int, list[Found]] = {}
    if not bare:
        return found
    where = pl.Series(np.flatnonzero(np.isin(rows, list(bare))), dtype=pl.UInt32)
    where = where.filter(texts.gather(where).str.contains(_HINT))
    for at, text in zip(where.to_list(), texts.gather(where).to_list(), strict=True):
        known = bare[int(rows[at])]
        if hits := [Found(*run.span(), *known[run.group()]) for run in _RUN.finditer(text) if run.group() in known]:
            found[at] = hits
    return found


def _rank(given: tuple[str, str]) -> tuple[int, str]:
    type, value = given
    return (-_TYPES.index(type) if type in _TYPES else 1, value)  # reversed: of a dict's equal keys the last stays


@lru_cache(8192)
def _bare(type: str, value: str) -> tuple[str, ...]:
    """Give how a value may stand as bare digits."""
    if type not in _TYPES:
        return ()
    digits = value.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        return ()  # a CNPJ with letters
    forms = [digits]
    if type == "phone" and value[0] == "+":
        import phonenumbers

        try:
            national = phonenumbers.national_significant_number(phonenumbers.parse(value))
        except phonenumbers.NumberParseException:  # found by its form: of no country that the library knows
            return (digits,) if len(digits) >= _LEAST else ()
        forms += national, "0" + national
    return tuple(form for form in forms if len(form) >= _LEAST)

"""The table of rules: to find another type of personal data, add an entry here (and its place in `TYPES`)."""

from __future__ import annotations

from functools import cache

from ftdata.transforms.pii import addresses, numbers
from ftdata.transforms.pii.rule import Rule
from ftdata.transforms.pii.secrets import SECRETS

TYPES: tuple[str, ...] = ("email", "url-credentials", "card", "iban", "cpf", "cnpj", "secret")
"""The types, in the order in which a note counts them."""

RULES: tuple[Rule, ...] = (
    Rule("url-credentials", addresses.URL_CREDENTIALS, addresses.url_credentials, hint="://"),
    *SECRETS,
    Rule("email", addresses.EMAIL, addresses.emails, hint="@|%40"),
    Rule("iban", numbers.IBAN, numbers.ibans, hint=numbers.IBAN_HINT),
    Rule("cnpj", numbers.CNPJ, numbers.cnpjs, hint=numbers.CNPJ_HINT),
    Rule("cpf", numbers.CPF, numbers.cpfs, hint=numbers.DIGITS),
    # Bare or oddly grouped: one number in a hundred (CPF) passes by chance, orders and mobile phones have eleven digits
    # too. It counts only in a conversation that names the document somewhere: in a text, or as a key of a JSON object.
    Rule("cnpj", numbers.CNPJ_LOOSE, numbers.cnpjs, hint=numbers.CNPJ_LOOSE, context=r"(?i)cnpj"),
    Rule("cpf", numbers.CPF_LOOSE, numbers.cpfs, hint=numbers.DIGITS, context=r"(?i)cpf|c\.p\.f"),
    Rule("card", numbers.CARD, numbers.cards, hint=numbers.DIGITS),
)
"""The rules. Where two hits overlap, the rule that stands first wins; of one rule's, the longer, then the earlier."""


def placeholder(type: str, number: int) -> str:
    """Give the text that stands in place of a value: `[EMAIL_1]`."""
    return f"[{label(type)}_{number}]"


@cache
def label(type: str) -> str:
    """Give a type as it is written in placeholders and notes: `URL_CREDENTIALS`."""
    return type.upper().replace("-", "_")

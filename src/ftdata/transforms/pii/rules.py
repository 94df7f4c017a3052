"""The table of rules: to find another type of personal data, add an entry here (and its place in `TYPES`)."""

from __future__ import annotations

from functools import cache, partial

from ftdata.transforms.pii import addresses, documents, identity, network, numbers
from ftdata.transforms.pii.phones import BARE, RUN, phones
from ftdata.transforms.pii.plans import REGIONS
from ftdata.transforms.pii.rule import Rule
from ftdata.transforms.pii.secrets import SECRETS, SIGN_GATE
from ftdata.transforms.pii.words import CUES

TYPES: tuple[str, ...] = (
    *("email", "url-credentials", "phone", "ip", "card", "iban", "ssn"),
    *("cpf", "cnpj", "rg", "cep", "dni", "nie", "nif"),
    *identity.NAMES,
    *("secret", "name"),
)
"""The types, in the order in which a note counts them."""

DENSE = r"[0-9](?:[ ()./\-–—]{0,3}[0-9]){5}|[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]"
"""What a text holds that holds a number of somebody: six digits with few signs between them, or an address's four."""

AROUND = r"(?s).{0,6}[0-9](?:.{0,8}[0-9])*.{0,4}"
"""The digits of a text that stand near each other, and what stands around them: no number is longer."""


def _alone(pattern: str) -> str:
    """Give the hint of a number that no letter or digit touches: of fewer texts than its pattern alone."""
    return f"(?:^|[^0-9A-Za-z])(?:{pattern})(?:$|[^0-9A-Za-z])"


_BEFORE: tuple[Rule, ...] = (
    Rule("url-credentials", addresses.URL_CREDENTIALS, addresses.url_credentials, hint="://", gate=SIGN_GATE),
    *SECRETS,
    Rule("email", addresses.EMAIL, addresses.emails, hint="@|%40"),
    Rule("email", addresses.SPELT, addresses.spelt, hint=addresses.SPELT_HINT),
    # Proved by check digits over eleven characters and more.
    Rule("iban", numbers.IBAN, numbers.ibans, hint=numbers.IBAN_HINT),
    Rule("cnpj", numbers.CNPJ, numbers.cnpjs, hint=numbers.CNPJ_HINT),
    Rule("cpf", numbers.CPF, numbers.cpfs, hint=numbers.DIGITS, gate=DENSE, window=AROUND),
    # Bare or oddly grouped: one number in a hundred (CPF) passes by chance, orders and mobile phones have eleven digits
    # too. It counts only in a conversation that names the document somewhere: in a text, or as a key of a JSON object.
    Rule(
        "cnpj",
        numbers.CNPJ_LOOSE,
        numbers.cnpjs,
        hint=numbers.CNPJ_LOOSE,
        context=r"(?i)cnpj(?:[^_]|_[^0-9]|$)",
    ),
    Rule(
        "cpf",
        numbers.CPF_LOOSE,
        numbers.cpfs,
        hint=numbers.DIGITS,
        gate=DENSE,
        window=AROUND,
        context=r"(?i)cpf(?:[^_]|_[^0-9]|$)|c\.p\.f",
    ),
    Rule("card", numbers.CARD, numbers.cards, hint=numbers.DIGITS, gate=DENSE, window=AROUND),
    # Proved by their form.
    Rule("ip", network.IPV6, network.ipv6, hint=network.IPV6_HINT, gate=SIGN_GATE),
    Rule("ip", network.IPV4, network.ipv4, hint=network.IPV4, gate=DENSE, window=AROUND),
    # Proved by a letter, by their form, by the nearest word.
    Rule("dni", documents.DNI, documents.dnis, hint=_alone(documents.DNI), gate=DENSE, window=AROUND),
    Rule("nie", documents.NIE, documents.nies, hint=documents.NIE, gate=DENSE, window=AROUND),
    Rule("nif", documents.CIF, documents.cifs, hint=documents.CIF, gate=DENSE, window=AROUND),
    Rule(
        "nif", documents.NIF, documents.nifs, hint=documents.NIF, gate=DENSE, window=AROUND, context=documents.ROW_NIF
    ),
    *identity.identity(DENSE, AROUND),
    Rule("ssn", documents.SSN, documents.ssns, hint=_alone(documents.SSN), gate=DENSE, window=AROUND),
    Rule("rg", documents.RG, documents.rgs, hint=_alone(documents.RG), gate=DENSE, window=AROUND),
    Rule("cep", documents.CEP, documents.ceps, hint=_alone(documents.CEP), gate=DENSE, window=AROUND),
)
_AFTER: tuple[Rule, ...] = (
    Rule(
        "rg",
        documents.RG,
        documents.rgs_of_row,
        hint=_alone(documents.RG),
        gate=DENSE,
        window=AROUND,
        context=documents.ROW_RG,
    ),
    Rule(
        "cep",
        documents.CEP,
        documents.ceps_of_row,
        hint=_alone(documents.CEP),
        gate=DENSE,
        window=AROUND,
        context=documents.ROW_CEP,
    ),
)


@cache
def rules(types: tuple[str, ...] = TYPES, regions: tuple[str, ...] = REGIONS) -> tuple[Rule, ...]:
    """Give the rules of some types. Where two hits overlap, the rule that stands first wins; of one rule's, the longer.

    The order is that of certainty: keys and addresses, check digits, forms, then phones, whose plans hold many numbers.
    """
    check = partial(phones, regions)
    phone = (
        Rule("phone", RUN, check, hint=RUN, gate=DENSE, window=AROUND),
        Rule("phone", BARE, check, hint=CUES, gate="[0-9]{7}"),
    )
    return tuple(rule for rule in (*_BEFORE, *phone, *_AFTER) if rule.type in types)


RULES: tuple[Rule, ...] = rules()
"""The rules of all types, phones of the default regions."""


def placeholder(type: str, number: int) -> str:
    """Give the text that stands in place of a value: `[EMAIL_1]`."""
    return f"[{label(type)}_{number}]"


@cache
def label(type: str) -> str:
    """Give a type as it is written in placeholders and notes: `URL_CREDENTIALS`."""
    return type.upper().replace("-", "_")

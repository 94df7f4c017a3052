"""The transform `pii`, and its two small sisters for single strings and for counting."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal, Self

import msgspec
import numpy as np
import polars as pl
from pydantic import BeforeValidator, Field, PlainSerializer, field_validator, model_validator

from ftdata.batch import Batch, flat, owners
from ftdata.errors import RecipeError
from ftdata.stages import Example, Transform
from ftdata.texts import Texts
from ftdata.transforms.pii import scrubbing
from ftdata.transforms.pii.plans import REGIONS, unknown_region
from ftdata.transforms.pii.rules import TYPES, label, rules
from ftdata.transforms.pii.shown import EXAMPLES
from ftdata.transforms.pii.styles import KEY, STYLES, Style, Styles, secret_of

NAMES_FROM: tuple[str, ...] = (
    *("customer", "customer_name", "author", "agent", "agent_name", "assignee", "requester", "submitter", "user"),
    *("user_name", "name", "full_name", "first_name", "last_name", "sender", "from", "to", "contact", "client"),
    *("cliente", "nome", "nome_cliente", "autor", "atendente", "agente", "solicitante", "nombre", "usuario"),
    *("responsável", "contato", "contacto"),
)
"""Columns of an export in which its people stand, in small letters with `_`."""

_OBJECT: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])


def _pairs(value: Any) -> Any:
    """Read a table of styles by type; what is no table is left for the type's own check."""
    pairs = value.items() if isinstance(value, Mapping) else value
    try:
        plain = {_plain(type): style for type, style in pairs}
    except (TypeError, ValueError):
        return value
    for type, style in plain.items():
        if type not in TYPES:
            raise ValueError(f"{type!r} is not a type; use some of {', '.join(TYPES)}")
        if style not in STYLES:
            raise ValueError(f"{type}: {style!r} is not a style; use one of {', '.join(STYLES)}")
    return tuple((type, plain[type]) for type in TYPES if type in plain)


def _plain(type: str) -> str:
    return type.strip().lower().replace("_", "-")


class Pii(Transform):
    """Replace personal data and secrets by numbered placeholders, such as [EMAIL_1], by keyed hashes or surrogates.

    One value has one number throughout its conversation: in contents, names, parts, tool calls, rejected answers, tool
    definitions, extra keys and meta. What is found is proved by check digits, a fixed shape, a number plan or a word
    beside it: e-mail addresses, user and password in URLs, phone numbers, IP addresses, payment cards, IBANs, US
    social security numbers, CPF, CNPJ, RG, CEP, PIS, CNH, voter's title, health card and plates of Brazil, DNI, NIE,
    NIF and NUSS of Spain, NIF, NISS and citizen card of Portugal, CURP, RFC, CUIT, RUT, RUC, NIT and cédula of Latin
    America, NINO, EU VAT numbers, passports and driving licences by a word, keys, tokens, one-time codes
    and passwords. A number that others look like (a CPF or CNPJ without its punctuation, bare digits of a phone, RG,
    CEP, NIF) counts only where a word names it, or where it repeats the digits of a phone, card, CPF or CNPJ that the
    conversation proves elsewhere. Where two overlap, the more certain type wins, then the longer. The
    note counts replacements by type.

    Names are those of the conversation's own people: whom its columns (`names_from`), the `name` of a message, a key
    such as `customer_name`, a greeting or a signature names. They are then replaced wherever they stand, whole or in
    part; a firm, a team, a role is nobody. Names of third parties stay unless `names = "model"` finds them.

    Styles: `placeholder` gives `[EMAIL_1]`, numbered by conversation. `hash` gives `[EMAIL_3f9a1c22d4]`, the same for a
    value in the whole dataset (BLAKE2b with the key that an environment variable holds; e-mails in small letters,
    phones in international form). `surrogate` gives a made-up value of the same kind and shape from ranges that nobody
    is given (example.com, 555-01xx, addresses for documentation …), by the seed and the words around, never by the
    value; secrets and passwords in URLs keep their placeholder. What is such a surrogate already stays as it is.
    """

    name: ClassVar[str] = "pii"
    decides_with: ClassVar[tuple[str, ...]] = ("phonenumbers",)
    examples: ClassVar[tuple[Example, ...]] = EXAMPLES
    scrubs: ClassVar[bool] = True
    """Read by the recipe: a chain that holds such a stage is scrubbed."""

    types: tuple[str, ...] = Field(TYPES, description=f"what to replace: {', '.join(TYPES)}; all by default")
    regions: tuple[str, ...] = Field(
        REGIONS,
        description="country codes (ISO 3166, two letters) whose phone numbers are known in their national form; "
        "of those that a number fits the first counts; numbers with + are known of any country",
    )
    style: Style = Field("placeholder", description="what stands in place of a value: placeholder, hash or surrogate")
    styles: Annotated[tuple[tuple[str, Style], ...], BeforeValidator(_pairs), PlainSerializer(dict, dict[str, str])] = (
        Field((), description='style of single types, instead of `style`: { email = "hash" }')
    )
    key: str | None = Field(
        None,
        description='where the key of the style hash is: "env:NAME", an environment variable with 16 characters or '
        "more; never the key itself",
    )
    seed: int = Field(0, ge=0, lt=2**64, description="another seed gives other surrogates")
    names: Literal["off", "columns", "phrases", "model"] = Field(
        "phrases",
        description="how people are known: columns (`names_from` and the name of messages), phrases (also greetings, "
        "signatures, introductions), model (also an offline model, extra `names`), off",
    )
    names_from: tuple[str, ...] = Field(
        NAMES_FROM, description="meta keys that hold names of people; case, `-`, `_` and blanks count alike"
    )
    spare: tuple[str, ...] | None = Field(
        None,
        description="meta keys left as they are because a later step reads them; worked out from the recipe",
    )

    @field_validator("types")
    @classmethod
    def _known(cls, types: tuple[str, ...]) -> tuple[str, ...]:
        plain = tuple(_plain(type) for type in types)
        for given, type in zip(types, plain, strict=True):
            if type not in TYPES:
                raise ValueError(f"{given!r} is not a type; use some of {', '.join(TYPES)}")
        if not plain:
            raise ValueError(f"no type is named; use some of {', '.join(TYPES)}, or leave the step out")
        return tuple(type for type in TYPES if type in plain)

    @field_validator("regions")
    @classmethod
    def _regions(cls, regions: tuple[str, ...]) -> tuple[str, ...]:
        plain = tuple(dict.fromkeys(region.strip().upper() for region in regions))
        for region in plain:
            if problem := unknown_region(region):
                raise ValueError(problem)
        return plain

    @model_validator(mode="after")
    def _keyed(self) -> Self:
        if self.key is not None and not KEY.fullmatch(self.key):
            # Not a validator of the field, whose value would be named in the error: it may be the key itself.
            raise ValueError(
                'key does not name an environment variable; write "env:FTDATA_PII_KEY" and set that variable'
            )
        if self.key is None and "hash" in self._styles().values():
            raise ValueError('the style hash needs a key; write key = "env:FTDATA_PII_KEY" and set that variable')
        if self.names == "model" and "name" in self.types:
            from ftdata.transforms.pii import name_model

            name_model.required()
        return self

    def _styles(self) -> dict[str, Style]:
        return {**dict.fromkeys(self.types, self.style), **{t: s for t, s in self.styles if t in self.types}}

    def outside(self) -> str:
        """Tell another key from this one by eight bytes of a digest: work done with the one is not taken over."""
        try:
            secret = secret_of(self.key or "") if self.key is not None else b""
        except RecipeError:
            secret = b""  # the step itself will say so
        return hashlib.blake2b(secret, digest_size=8, person=b"ftdata-resume").hexdigest() if secret else ""

    def reads_meta(self) -> frozenset[str]:
        """Read the keys that hold names, as people write them; the texts of meta are scrubbed where it is kept."""
        return frozenset(way for name in self.names_from for way in _ways(name)) if self._asks() else frozenset()

    def _asks(self) -> bool:
        return self.names != "off" and "name" in self.types

    def apply(self, batch: Batch) -> Batch:
        """Scrub all texts of a batch; raise `RecipeError` if the key of the style hash is not there."""
        styles = self._styles()
        style = None
        if set(styles.values()) != {"placeholder"}:
            secret = secret_of(self.key) if self.key is not None and "hash" in styles.values() else None
            style = Styles(styles, secret, self.seed)
        texts = _texts(batch, self.spare or ())
        if not len(texts.text):
            return batch
        names = _names(batch, self.names_from, self.names, styles["name"] == "surrogate") if self._asks() else None
        rows = texts.row.to_numpy()
        chosen = rules(self.types, self.regions)
        scrubbed, counts = scrubbing.scrub(
            texts.text, rows, chosen, _keys(texts), names=names, style=style, contents=_contents(batch)
        )
        if not counts:
            return batch
        notes = np.full(batch.height, None, dtype=object)
        for row, count in counts.items():
            notes[row] = ", ".join(f"{label(type)} {count[type]}" for type in TYPES if type in count)
        note = pl.Series("note", notes.tolist(), pl.String)
        return texts.replace(scrubbed).with_columns(pl.coalesce(note, batch["note"]).alias("note"))


_OF_NAMES: tuple[str, ...] = tuple(type for type in TYPES if type not in ("ip", "cep", "name"))


_SHORTEST = 5
"""Characters below which no rule finds anything: the shortest is an address, which has six (`a@b.co`)."""


@lru_cache(maxsize=1024)
def scrub(text: str) -> str:
    """Give a string with personal data and secrets replaced by numbered placeholders: file names, logs, messages.

    IP addresses and CEPs stay: four numbers with points are a version as often as not where names are given, and
    neither leads to a person without more. Phones need a `+` or a word beside them: dates and counters fill file names.
    """
    if len(text) < _SHORTEST:
        # Each look takes some milliseconds, and a manifest holds dozens of country codes.
        return text
    types = rules(_OF_NAMES, ())
    scrubbed, counts = scrubbing.scrub(pl.Series("text", [text]), np.zeros(1, dtype=np.uint32), types, None)
    return str(scrubbed[0]) if counts else text


def count(
    batch: Batch, types: Sequence[str] = TYPES, spare: Sequence[str] = (), names_from: Sequence[str] = NAMES_FROM
) -> dict[str, tuple[int, int]]:
    """Count what `Pii` would replace in a batch: type -> (replacements, rows that hold one); only types found."""
    texts = _texts(batch, spare)
    if not len(texts.text):
        return {}
    names = _names(batch, names_from, "phrases", False) if "name" in types else None
    rows = texts.row.to_numpy()
    _, counts = scrubbing.scrub(
        texts.text, rows, rules(tuple(types)), _keys(texts), names=names, contents=_contents(batch)
    )
    found = {type: [count[type] for count in counts.values() if type in count] for type in TYPES}
    return {type: (sum(some), len(some)) for type, some in found.items() if some}


def _texts(batch: Batch, spare: Sequence[str]) -> Texts:
    return Texts(batch, tools=True, extra=True, meta=True, deep=True, spare=spare)


def _contents(batch: Batch) -> int:
    """Count the contents of messages: they are the first of a batch's texts."""
    if batch["messages"].null_count() == batch.height:
        return 0
    contents = flat(batch, "messages")["content"]
    return len(contents) - contents.null_count()


def _keys(texts: Texts) -> list[str | None] | None:
    return texts.keys() or None


def _names(batch: Batch, names_from: Sequence[str], how: str, forms: bool) -> Any:
    from ftdata.transforms.pii import names

    model = None
    if how == "model":
        from ftdata.transforms.pii import name_model

        model = name_model.names_in
    told = names.told_by([*_columns(batch, names_from), *_message_names(batch)])
    return names.Names(told, how != "columns", forms, model)


def _columns(batch: Batch, names_from: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Give what stands in the meta keys that hold names, with the row."""
    wanted = frozenset(_key(name) for name in names_from)
    asked: dict[str, bool] = {}
    for row, text in enumerate(batch["meta"].to_list()):
        if text is None:
            continue
        for key, raw in _OBJECT.decode(text).items():
            if key not in asked:
                asked[key] = _key(key) in wanted
            if asked[key]:
                value = msgspec.json.decode(raw)
                for one in value if isinstance(value, list) else (value,):
                    if isinstance(one, dict):
                        one = one.get("name")
                    if isinstance(one, str):
                        yield row, one


def _ways(name: str) -> Iterator[str]:
    """Give how a key is usually written: `customer_name`, `Customer Name`, `CUSTOMER-NAME` …"""
    words = _key(name).split("_")
    for joint in ("_", " ", "-"):
        whole = joint.join(words)
        yield from (name, whole, whole.capitalize(), whole.title(), whole.upper())


def _key(name: str) -> str:
    return name.strip().casefold().replace(" ", "_").replace("-", "_")


def _message_names(batch: Batch) -> Iterator[tuple[int, str]]:
    """Give the names of messages, with the row; those of tools and functions are nobody's."""
    for column in ("messages", "rejected"):
        if batch[column].null_count() == batch.height:
            continue
        frame = flat(batch, column)
        if frame["name"].null_count() == frame.height:
            continue
        people = frame["name"].is_not_null() & frame["role"].is_in(["user", "assistant"])
        yield from zip(
            owners(batch, column).filter(people).to_list(), frame["name"].filter(people).to_list(), strict=True
        )

"""Tell what a person wrote from what WhatsApp wrote: by the phrases of `whatsapp_phrases.toml`, each in its place.

An iPhone puts U+200E before most of what the application itself says, also in the mouth of a person; a person hardly
ever begins with it. So what follows that mark is taken out in every language; without the mark, only known phrases are.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from ftdata.readers.whatsapp_headers import EDGES, MARKS

LEFT_TO_RIGHT = "\u200e"
_MARKED = "".join(letter for letter in EDGES if not letter.isspace())
_ISOLATES = re.compile("[\u2066-\u2069]")
_PAGES = rf"(?:\s?[•·][\s{MARKS}]*\d[^\n]{{0,40}})?"
_FILE = re.compile(rf"[^\n/\\]{{1,250}}\.\w{{0,10}}{_PAGES}")
_DOCUMENT = re.compile(  # what stands alone below a file is its title, if it is a name of a file itself, else a caption
    rf"[^\n/\\]{{1,250}}\.(?:pdf|docx?|odt|rtf|txt|xlsx?|ods|csv|pptx?|odp|zip|rar|7z|html?|xml|json|epub|apk|vcf|ics|jpe?g"
    rf"|png|gif|webp|heic|mp[34]|m4a|aac|ogg|opus|amr|wav|mov|avi|mkv|3gp){_PAGES}",
    re.I,
)
_LINK = re.compile(r"[^\n]{0,80}?https?://(?:maps\.|www\.google\.[a-z.]+/maps|goo\.gl/maps|foursquare\.com/v/)\S*")
_ENDS = frozenset(">)")
_BEGINNING = 8  # characters by which the beginnings of phrases are sorted

Said = tuple[str, str | None, str | None]
"""A text, the reason to leave it out, a flag."""


@dataclass(frozen=True)
class Phrases:
    """The phrases of all languages, ready to compare with."""

    whole: dict[str, str]
    """Whole text, in each spelling -> the reason to leave it out."""
    folded: dict[str, str]
    """The same in lower case, without brackets and full stop."""
    begins: dict[str, tuple[str, ...]]
    """The first characters of lines of the system that are told by their beginning -> the beginnings."""
    by_name: re.Pattern[str]
    edited: re.Pattern[str]
    attached: frozenset[str]
    inside: re.Pattern[str]
    calls: re.Pattern[str]
    marked_calls: re.Pattern[str]
    places: re.Pattern[str]
    polls: re.Pattern[str]
    events: re.Pattern[str]
    titles: re.Pattern[str]


@cache
def phrases() -> Phrases:
    """Load the phrases, once per process."""
    text = files("ftdata.readers").joinpath("whatsapp_phrases.toml").read_text("utf-8")
    tables: dict[str, dict[str, list[str]]] = tomllib.loads(text)

    def every(name: str) -> list[str]:
        return list(dict.fromkeys(phrase for table in tables.values() for phrase in table.get(name, ())))

    def any_of(*found: str, name: str = r"[^\n]{1,80}?") -> str:
        longest = sorted({phrase.strip() for phrase in found}, key=lambda phrase: (-len(phrase), phrase))
        return "|".join(re.escape(phrase).replace(r"\{\}", name) for phrase in longest)

    whole: dict[str, str] = {"null": "not-text"}
    folded: dict[str, str] = {"null": "not-text"}
    alone = [("not-text", phrase) for phrase in every("place") if " " in phrase]
    for kind, reason in (("omitted", "not-text"), ("call", "system-line"), ("deleted", "deleted")):
        alone += [(reason, phrase) for phrase in every(kind) if "{}" not in phrase]
    for reason, phrase in alone:
        folded[phrase.casefold()] = reason
        for case in (phrase, phrase[0].upper() + phrase[1:], phrase[0].lower() + phrase[1:]):
            whole.update(dict.fromkeys((case, f"{case}.", f"<{case}>", f"<{case}.>"), reason))
    named = [phrase for phrase in every("deleted") if "{}" in phrase]
    begins: dict[str, tuple[str, ...]] = {}
    for phrase in every("notice"):
        begins[phrase[:_BEGINNING]] = (*begins.get(phrase[:_BEGINNING], ()), phrase)
    for phrase in (*every("call"), *named):
        begins.setdefault(phrase[:_BEGINNING], ())
    mark, attached = rf"[\s{MARKS}]*", any_of(*every("attached"))
    return Phrases(
        whole=whole,
        folded=folded,
        begins=begins,
        by_name=re.compile(rf"(?:{any_of(*named)})\.?"),
        edited=re.compile(rf"<{mark}(?:{any_of(*every('edited'))})\.?>{mark}$"),
        attached=frozenset(phrase.casefold() for phrase in every("attached")),
        inside=re.compile(rf"<{mark}(?:{attached})\s?[:：]\s?[^<>\n]{{1,250}}>{mark}$", re.I),
        calls=re.compile(rf"(?:{any_of(*every('call'))})[,.][^\n]{{0,60}}"),
        marked_calls=re.compile(rf"(?:{any_of(*every('call'), *every('marked_call'))})(?![^\W_])[^\n]{{0,60}}", re.I),
        places=re.compile(rf"(?:{any_of(*every('place'))})\s?[:：]{mark}https?://\S+", re.I),
        polls=re.compile(rf"(?:{any_of(*every('poll'))}):{mark}[\n ]"),
        events=re.compile("|".join(_event(phrase) for phrase in every("event"))),
        titles=re.compile(any_of(*every("title"), name="(.+)"), re.I),
    )


def _event(phrase: str) -> str:
    """Give the pattern of an event: one that ends in a space goes on, another is all that is said."""
    return (
        re.escape(phrase)
        if phrase[-1] in " +"
        else rf"{re.escape(phrase)}(?:[.]?$|\s(?:to|from|de|para|a|in|zu)\s|\.\s)"
    )


def said(text: str, author: str, phone: bool, known: Phrases) -> Said:
    """Say what a message holds: `text` as it stands, said by `author`; `phone`: in the style of an iPhone.

    Reasons: `not-text`, `deleted`, `system-line`; flag: `edited`. A caption is kept, its file is not.
    """
    if (reason := known.whole.get(text)) is not None:
        return "", reason, None
    # Nearly all that people write goes no further.
    if (
        text[-1:] not in _ENDS
        and "\n" not in text
        and text[:_BEGINNING] not in known.begins
        and not text.startswith(author)
        and "maps" not in text
        and (text.isascii() or (LEFT_TO_RIGHT not in text and "\u200f" not in text and "\u2068" not in text))
        and text[:1] != "🚫"
    ):
        return text, None, None
    return _said(text, author, phone, known)


def _said(text: str, author: str, phone: bool, known: Phrases) -> Said:
    body, flag = text.strip(EDGES), None
    marked = text[:1] == LEFT_TO_RIGHT
    if edited := known.edited.search(text):
        text, flag = text[: edited.start()].rstrip(EDGES), "edited"
        body = text.strip(EDGES)
    if (reason := known.folded.get(_folded(body))) is not None:
        return "", reason, None
    if known.by_name.fullmatch(body):
        return "", "deleted", None
    caption = _caption(text, known)
    if caption is not None:
        caption = caption.strip(EDGES)
        if not caption or _DOCUMENT.fullmatch(caption):
            return "", "not-text", None
        return _ISOLATES.sub("", caption), None, flag
    if known.polls.match(body) or known.places.fullmatch(body) or (marked and _LINK.fullmatch(body)):
        return "", "not-text", None
    if body.startswith(known.begins.get(body[:_BEGINNING], ())) or known.calls.fullmatch(body):
        return "", "system-line", None
    if author and body.startswith(f"{author} ") and known.events.match(body, len(author) + 1):
        return "", "system-line", None
    if marked and (phone or known.marked_calls.fullmatch(body)):
        return "", "system-line", None
    return _ISOLATES.sub("", text.strip(_MARKED)), None, flag


def _folded(body: str) -> str:
    if len(body) > 120:
        return ""
    return body.removeprefix("🚫").strip("<> ").rstrip(".。।۔").strip().casefold()


def _caption(text: str, known: Phrases) -> str | None:
    """Give what stands beside a file, or beside the words for one that was left out; None if there is no file."""
    if inside := known.inside.search(text):
        return text[: inside.start()]
    first, line, rest = text.partition("\n")
    first = first.strip(EDGES)
    if line and (known.inside.fullmatch(first) or known.folded.get(_folded(first)) == "not-text"):
        return rest
    file, bracket, words = first.rpartition("(")
    if bracket and words[-1:] == ")" and words[:-1].casefold() in known.attached and _FILE.fullmatch(file.strip(EDGES)):
        return rest
    at = text.rfind(LEFT_TO_RIGHT)
    if at > 0 and known.folded.get(_folded(text[at:].strip(EDGES))) == "not-text":
        return text[:at]
    return None

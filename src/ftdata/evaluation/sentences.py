"""Every sentence that `worth` may say, by its code: what is said, and behind it in brackets how that is known.

Each says at least one number that was measured or given, and its limit where there is one. Fields: `tuned`, `other` are
scores of the two (`is right in 93.3 %`), `gain` is their difference with its interval, `test` how that was tested.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Sentence(NamedTuple):
    """What is said, and by which test, limit, count or price it is known."""

    code: str
    text: str
    how: str

    def __str__(self) -> str:
        return f"{self.text} ({self.how})."


SAY: Mapping[str, tuple[str, str]] = {
    # better
    "gain": ("The tuned model {tuned}, {system} {other}: {gain}", "{test}"),
    "costs": ("An answer costs {cost} by the tuned model, {other_cost} by {system}: {apart} {more}", "{sources}"),
    "same": (
        "An answer costs {cost} by either, so nothing but the better answers pays for training",
        "{sources}; the saving is 0, limit 0: never paid back",
    ),
    "cost-unknown": ("What an answer costs is known of {known} of {of} systems", "{why}"),
    "paid-back": (
        "{spent} of training is paid for after {requests} requests ({low} to {high})",
        "{spent_how}; {running}; divided by what an answer costs less; in brackets one of these 30 % less or more",
    ),
    "earns": ("Each 1,000 requests earn {thousand} of what it cost, after how many is not known", "{why}"),
    "ends": (
        "That ends where an answer by {system} costs {cost}, now {other_cost}",
        "a cheaper base, fewer examples or a prompt read from the cache bring it there",
    ),
    "right-answer": (
        "{one} costs {price} ({best} to {worst}), and only you know what it is worth",
        "what an answer costs more, divided by the gain and by the bounds of its interval; {spent} of training on top",
    ),
    "dearer": (
        "It would pay by itself if an answer cost less than {other_cost}, not {cost}",
        "the saving is {apart}, limit 0: never paid back",
    ),
    # not better
    "no-gain": ("No gain is shown over {system}, which {other}; the tuned model {tuned}, {gain}", "{test}"),
    "worse": ("The tuned model {tuned}, {system} {other}: {gain}", "{test}"),
    "chance": (
        "The most common label {other} without any model, a guess among {labels} labels in {guess}; the tuned model "
        "{tuned} ({least} to {most}), {beside}",
        "{test}",
    ),
    "form": (
        "That it beats {system}, which {other}, is no gain by itself: to have learnt the form of the answers is enough",
        "{test}",
    ),
    "stopping": ("Stopping saves {apart} an answer: {cost} by the tuned model, {other_cost} by {system}", "{sources}"),
    "stopping-monthly": ("It saves {spent} a month besides", "{running}"),
    "stopping-unknown": (
        "What stopping saves is not known: the cost of an answer is, of {known} of {of} systems",
        "{why}",
    ),
    "no-saving": (
        "An answer costs {apart} less than by {system}, which is no saving unless it is as good: it may be {low}",
        "bound of the interval; {sources}",
    ),
    "unearned": (
        "{spent} of training is earned back by no number of requests",
        "{spent_how}; there is no gain to count",
    ),
    # not told
    "alone": ("There are answers of {none} other systems to compare with", "--base and --few-shot give them"),
    "no-tuned": ("There are {none} answers of a tuned model to judge", "--tuned gives them"),
    "few-rows": (
        "{rows} rows tell nothing, {limit} are wanted",
        "a share of 30 rows is known to 18 points at best, Wilson",
    ),
    "few-apart": ("Only {apart} of {rows} rows tell the tuned model and {system} apart, {limit} are wanted", "{test}"),
    "untried": (
        "To beat {system} is what tells, and of it there are {none} answers",
        "{option} gives them; any training beats a base that was never shown the form",
    ),
    # what would change it
    "more-rows": (
        "It would change if {more} more held-out rows went as these {rows} did",
        "{wanted}; where the difference is as seen, that many show it every other time",
    ),
    "no-rows": ("More rows would not help if they went as these {rows} did", "the difference seen is not above 0"),
}


def sentence(code: str, **fields: object) -> Sentence:
    """Make a sentence of its fields."""
    text, how = (one.format(**fields) for one in SAY[code])
    return Sentence(code, text[:1].upper() + text[1:], how)

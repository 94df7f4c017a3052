"""Every fix: what it cures, what it costs, and the one order in which fixes are tried."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from ftdata.targets import Rule
from ftdata.transforms.fit import content, tools, turns
from ftdata.transforms.fit.draft import Cost, Draft, Params

Fixable = Literal["no", "yes", "lossy"]
"""Whether the step `fit` cures a breach of a rule: not, without loss, or only with the loss of something."""


@dataclass(frozen=True)
class Fix:
    """A fix: a function, the kinds of rule that it cures, the cargo that it sheds, and what it costs at most.

    `run` edits a draft and says what that cost this row; None: there is nothing that it can do. `what` names in flags
    what is changed or lost (`lost-tools`, `changed-turns`).
    """

    run: Callable[[Draft, Params], Cost | None]
    what: str
    kinds: frozenset[str] = frozenset()
    sheds: frozenset[str] = frozenset()
    cost: Cost = "free"

    @property
    def name(self) -> str:
        """The name in kebab form, such as `merge-turns`."""
        return self.run.__name__.replace("_", "-")


def _fix(
    run: Callable[[Draft, Params], Cost | None],
    what: str,
    kinds: Iterable[str] = (),
    sheds: Iterable[str] = (),
    cost: Cost = "free",
) -> Fix:
    return Fix(run, what, frozenset(kinds), frozenset(sheds), cost)


_TOOLS = ("tools", "tool-turns", "odd-call", "call-order", "odd-tool", "function-call")

FIXES: tuple[Fix, ...] = (
    # the spelling: nothing is lost
    _fix(turns.rename_roles, "role", ("role", "speakers")),
    _fix(turns.developer_to_system, "developer", ("developer-role", "speakers"), ("developer",)),
    _fix(tools.functions_to_tools, "function-call", ("deprecated", "function-call", "functions"), ("function-call",)),
    _fix(tools.arguments_to_text, "arguments", ("arguments-string", "arguments-json")),
    _fix(content.wrap_parts, "parts", ("content-parts", "shape")),
    _fix(content.whole_weights, "weight", ("weight",)),
    _fix(content.drop_idle_weights, "weight", ("weight-role", "image-weight")),
    _fix(tools.shorten_ids, "tool-id", ("tool-id-shape",)),
    _fix(tools.complete_tools, "tools", ("tool-complete",)),
    _fix(content.spell_null, "null-content", ("text-present",)),
    # keys
    _fix(content.shelve_row_keys, "row-extra", ("top-level-keys", "no-other-keys"), ("row-extra",), "changed"),
    _fix(content.drop_odd_names, "name", ("name",), (), "changed"),
    _fix(
        content.shelve_message_keys, "message-extra", ("message-keys", "no-other-keys"), ("message-extra",), "changed"
    ),
    _fix(tools.drop_parallel, "parallel-tool-calls", ("parallel-tool-calls",), ("parallel-tool-calls",), "changed"),
    _fix(content.drop_names, "name", ("no-other-keys",), ("name",), "lost"),
    _fix(content.drop_weights, "weight", ("no-other-keys", "weights-ignored"), ("weight",), "lost"),
    # what is said
    _fix(turns.keep_preferred, "preference", ("pair-layout",), ("preference",), "lost"),
    _fix(tools.tools_to_text, "tools", ("no-tools", "speakers"), _TOOLS, "lost"),
    _fix(tools.wrap_results, "tool-text", (), ("tool-text",), "changed"),
    _fix(content.refusal_to_text, "refusal", (), ("refusal",), "changed"),
    _fix(content.drop_odd_parts, "parts", ("part-type", "part-unverified"), (), "lost"),
    _fix(
        content.drop_images,
        "images",
        ("images-max", "images-per-turn", "media-where", "dpo-text-only"),
        ("images", "image-links"),
        "lost",
    ),
    _fix(content.drop_surplus_images, "images", ("images-max", "image-count"), (), "lost"),
    _fix(content.plain_parts, "parts", (), ("odd-parts",), "lost"),
    _fix(content.join_parts, "parts", ("uniform-content",), ("parts",)),
    _fix(content.align_parts, "parts", ("uniform-content",)),
    _fix(content.break_words, "reserved-words", ("reserved-words",), (), "changed"),
    # who speaks when
    _fix(
        turns.drop_empty,
        "empty-turns",
        ("content-empty", "content-missing", "content-or-calls", "text-not-empty", "shape"),
        ("null-content",),
    ),
    _fix(turns.fold_system, "system", ("system-first", "one-system"), ("later-system",), "changed"),
    _fix(turns.system_to_user, "system", ("speakers",), ("system",), "changed"),
    _fix(turns.drop_last, "last-turns", ("last-message", "last-assistant", "positions"), (), "changed"),
    _fix(turns.drop_first, "first-turns", ("first-user", "positions"), (), "lost"),
    _fix(turns.merge_turns, "turns", ("alternation", "positions", "one-exchange"), ("talk",), "changed"),
    _fix(turns.tell_history, "history", ("one-exchange",), ("talk", "many-answers"), "lost"),
)
"""In this order the fixes are tried: what spells before what reorders."""

_FILE = (
    "blank-line",
    "bom",
    "bom-required",
    "dpo-keys",
    "encoding",
    "file-name",
    "file-suffix",
    "key-names",
    "layout",
    "legacy-row",
    "schema-version",
)
"""Kinds of rule that the reader, the step, or the writer of `check --fix` cure without a fix of their own."""


def fixable(rule: Rule) -> Fixable:
    """Say whether a breach of a rule can be cured: not, without loss, or only with the loss of something.

    Where several fixes may cure it, the cheapest counts: which one is needed depends on the row.
    """
    costs = {fix.cost for fix in FIXES if rule.kind in fix.kinds}
    if rule.kind in _FILE or costs & {"free", "changed"}:
        return "yes"
    return "lossy" if costs else "no"

"""The base of readers of trees: chats with a model, where a question asked anew or an answer made again is a branch.

A reader says what each node is and which was the last one seen; here the tree becomes rows. The links are data: they
may lead nowhere, or round in a circle, and a chain of them may be as long as the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from ftdata.batch import Batch, Rows, dumps
from ftdata.readers.messages import Told, Turn
from ftdata.source import Source

_SHARED = 1_000_000
"""Messages that the branches of one conversation may share with others, all together (64 characters written out count
as one more): a tree whose every node has a branch of its own would otherwise become the square of its size."""

_ABOVE = 50  # messages left out between a question and its answer, at most: tools, thoughts


class Node(NamedTuple):
    """One message of a tree: its record, the id of itself and of the one that it answers, who speaks, and what.

    `drop` is the reason why it is left out: its text is then never looked at, and `role` tells only whose it
    was. `at` serves to find the latest message where nothing says which was seen last.
    """

    number: int
    id: str = ""
    parent: str = ""
    role: str = ""
    text: str = ""
    drop: str | None = None
    at: float | None = None
    flags: tuple[str, ...] = ()
    model: str | None = None


class Talk(NamedTuple):
    """One conversation: its nodes, the id of the message seen last, what counts as `meta`, and the other records."""

    nodes: Sequence[Node]
    current: str = ""
    meta: Mapping[str, Any] = {}
    others: Sequence[tuple[int, str]] = ()


class Branches(Told):
    """Base of readers of trees: give `talks`, and `sniff` with the help of `known`.

    The branch that was seen last is the conversation; where nothing says which, the one with the latest message (of
    equals the longest, then the last in the file). Each other branch is a row too: it owns what it has alone, and
    `shares` the rest. A conversation begins with its first user turn and ends with its last assistant turn.

    Records left out, besides the reasons of `talks` and of the source: `other-branch`, `empty-text`, `leading-agent`,
    `trailing-user`, `no-assistant`, `no-user`, `no-answer`.
    Flags: `branch-guessed`, `question-left-out` (an answer to a picture or file without words), and those of `talks`.
    """

    tells_roles: ClassVar[bool] = True

    branches: Literal["current", "all"] = Field(
        "current",
        description="`current`: only the branch that was seen last; `all`: every branch is a conversation, with what "
        'went before it (then split with `group = "chat"`, or a branch\'s beginning may stand on either side)',
    )
    merge: str | Literal[False] = Field(
        "\n\n", description="text between consecutive turns of one role, which become one; false keeps them apart"
    )
    greeting: bool = Field(False, description="keep what the assistant says before the user's first message")

    def talks(self, source: Source) -> Iterator[Talk]:
        """Give the conversations; each record of the source stands in one of them exactly once."""
        raise NotImplementedError

    def turns(self, source: Source) -> Iterator[Turn]:
        """Give each record as a turn."""
        for talk in self.talks(source):
            tree = _Tree(talk)
            seen = set(tree.paths[0]) if tree.paths else set()
            for number, reason in talk.others:
                yield Turn(number, drop=reason)
            for at, node in enumerate(talk.nodes):
                other = None if at in seen or self.branches == "all" else "other-branch"
                yield Turn(node.number, text=node.text, role=node.role, drop=_reason(node) or other)

    def read(self, source: Source) -> Iterator[Batch]:
        """Read the conversations, one after the other."""
        out = Rows()
        for talk in self.talks(source):
            for row in sorted(self._rows(talk), key=lambda row: row.origin[0]):
                out.add(
                    row.origin,
                    row.messages,
                    shares=row.shares or None,
                    meta=dumps(row.meta) if row.meta else None,
                    flags=row.flags,
                    drop=row.drop,
                )
                if out.full:
                    yield out.batch()
        if len(out):
            yield out.batch()

    def _rows(self, talk: Talk) -> Iterator[_Row]:
        """Give the rows of a conversation: those of its branches, and one for each record that is left out."""
        tree, nodes = _Tree(talk), talk.nodes
        for number, reason in talk.others:
            yield _Row([number], drop=reason)
        if any(node.drop is not None and node.role == "user" for node in nodes):
            nodes = tree.marked()
        for node in nodes:
            if (left := _reason(node)) is not None:
                yield _Row([node.number], drop=left)
        paths = [(path[0], [nodes[at] for at in path if _reason(nodes[at]) is None]) for path in tree.paths]
        flags = ("branch-guessed",) if tree.guessed and sum(bool(own) for _, own in paths) > 1 else ()
        for place, (top, own) in enumerate(paths):
            if not own:
                continue
            live = place == 0 or self.branches == "all"
            shared = tree.above(top, live)
            if live and shared is not None:
                yield from self._branch(shared, own, talk.meta, flags)
            else:
                told = sorted(node.number for node in shared or ())
                yield _Row(sorted(node.number for node in own), told, drop="other-branch")

    def _branch(
        self, shared: list[Node], own: list[Node], meta: Mapping[str, Any], flags: tuple[str, ...]
    ) -> Iterator[_Row]:
        """Give a branch as a conversation, and rows for what stands before its first and after its last turn."""
        whole = [*shared, *own]
        asks = [at for at, node in enumerate(whole) if node.role == "user"]
        answers = [at for at, node in enumerate(whole) if node.role == "assistant"]
        if not answers or not asks or answers[-1] < asks[0]:
            reason = "no-assistant" if not answers else "no-user" if not asks else "no-answer"
            yield _Row([node.number for node in own], drop=reason)
            return
        begin, end = 0 if self.greeting else asks[0], answers[-1]
        mine = len(shared)
        for at in range(mine, len(whole)):
            if not begin <= at <= end:
                reason = "leading-agent" if at < begin else "trailing-user"
                yield _Row([whole[at].number], drop=reason)
        if end < mine:
            return
        kept = whole[begin : end + 1]
        model = next((node.model for node in reversed(kept) if node.model), None)
        yield _Row(
            sorted(node.number for node in whole[max(begin, mine) : end + 1]),
            sorted(node.number for node in whole[begin:mine]),
            messages=self._merged(kept),
            meta={**meta, **({"model": model} if model else {})},
            flags=tuple(dict.fromkeys([*flags, *(flag for node in kept for flag in node.flags)])),
        )

    def _merged(self, kept: list[Node]) -> list[tuple[str, str]]:
        if self.merge is False:
            return [(node.role, node.text) for node in kept]
        turns: list[tuple[str, list[str]]] = []
        for node in kept:
            if turns and turns[-1][0] == node.role:
                turns[-1][1].append(node.text)
            else:
                turns.append((node.role, [node.text]))
        return [(role, self.merge.join(texts)) for role, texts in turns]


def word(value: Any) -> str:
    """Give an id or a title; an empty text for what is none."""
    return value.strip() if isinstance(value, str) else ""


class _Row(NamedTuple):
    origin: list[int]
    shares: list[int] = []
    messages: list[tuple[str, str]] = []
    meta: Mapping[str, Any] | None = None
    flags: tuple[str, ...] = ()
    drop: str | None = None


def _reason(node: Node) -> str | None:
    if node.drop is not None:
        return node.drop
    return None if node.text.strip() else "empty-text"


class _Tree:
    """The nodes of a conversation as a tree: no circles, no links to nowhere; `paths` cuts it into its branches.

    Each path lists the nodes that no path before it has, from the top down; the first is the branch seen last.
    """

    def __init__(self, talk: Talk) -> None:
        self._nodes, self._spare = talk.nodes, _SHARED
        nodes = talk.nodes
        place: dict[str, int] = {}
        for at, node in enumerate(nodes):
            if node.id:
                place.setdefault(node.id, at)
        self._up = [place.get(node.parent, -1) if node.parent else -1 for node in nodes]
        current = place.get(talk.current, -1) if talk.current else -1
        self._cut_circles(current)
        inner = set(self._up)
        leaves = [at for at in range(len(nodes)) if at not in inner]
        self.guessed = current < 0 and len(leaves) > 1
        if current < 0 and leaves:
            current = self._latest(nodes, leaves)
        taken = [False] * len(nodes)
        self.paths: list[list[int]] = []
        for leaf in (current, *leaves):
            path = []
            at = leaf
            while at >= 0 and not taken[at]:
                taken[at] = True
                path.append(at)
                at = self._up[at]
            if path:
                self.paths.append(path[::-1])

    def _cut_circles(self, first: int) -> None:
        """Let the node at which a walk upwards, one from `first` before all others, meets itself again be a top."""
        walk = [0] * len(self._up)
        for step, start in enumerate((first, *range(len(self._up))), 1):
            at = start
            while at >= 0 and not walk[at]:
                walk[at] = step
                if self._up[at] >= 0 and walk[self._up[at]] == step:
                    self._up[at] = -1
                at = self._up[at]

    def _latest(self, nodes: Sequence[Node], leaves: list[int]) -> int:
        """Choose the leaf whose branch has the latest message; of equals the longest, then the last in the file."""
        known: list[tuple[float, int] | None] = [None] * len(nodes)
        for leaf in leaves:
            walk = []
            at = leaf
            while at >= 0 and known[at] is None:
                walk.append(at)
                at = self._up[at]
            late, depth = (known[at] if at >= 0 else None) or (float("-inf"), 0)
            for at in reversed(walk):
                if _reason(nodes[at]) is None:
                    told = nodes[at].at
                    late, depth = late if told is None else max(late, told), depth + 1
                known[at] = (late, depth)
        return max(leaves, key=lambda leaf: (known[leaf] or (float("-inf"), 0), leaf))

    def marked(self) -> Sequence[Node]:
        """Give the nodes, flagged where what an assistant answers was left out."""
        self._nodes = [
            node._replace(flags=(*node.flags, "question-left-out")) if self._is_unasked(at) else node
            for at, node in enumerate(self._nodes)
        ]
        return self._nodes

    def _is_unasked(self, at: int) -> bool:
        if self._nodes[at].role != "assistant" or _reason(self._nodes[at]) is not None:
            return False
        for _ in range(_ABOVE):
            at = self._up[at]
            if at < 0 or _reason(self._nodes[at]) is None:
                return False
            if self._nodes[at].role == "user":
                return True
        return False

    def above(self, top: int, live: bool) -> list[Node] | None:
        """List what is kept of the nodes above one, from the top down; None where the branches share too much."""
        found = []
        at = self._up[top]
        while at >= 0:
            node = self._nodes[at]
            self._spare -= 1 + len(node.text) // 64 if live else 1
            if self._spare < 0:
                return None
            if _reason(node) is None:
                found.append(node)
            at = self._up[at]
        return found[::-1]

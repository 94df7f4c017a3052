"""Exports of assistants: ChatGPT's trees, Claude's lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from export_case import Case, Clock, epoch, iso


class Tree:
    """A ChatGPT conversation, node by node."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.mapping: dict[str, Any] = {}
        self.last: str | None = None
        self.clock = Clock("2024-01-01 00:00:00")

    def add(
        self, role: str | None, parts: list[Any], *, under: str | None = None, kind: str = "text", **more: Any
    ) -> str:
        """Hang a node below `under`, or below the last one, and give its id."""
        parent = self.last if under is None else under
        key = f"{self.title}-{len(self.mapping)}"
        message: dict[str, Any] | None = None
        if role is not None:
            content = {"content_type": kind, "parts": parts}
            if kind in ("code", "execution_output", "tether_quote"):
                content = {"content_type": kind, "text": parts[0]}
            if kind == "thoughts":
                content = {"content_type": kind, "thoughts": [{"summary": parts[0], "content": parts[0]}]}
            if kind == "user_editable_context":
                content = {"content_type": kind, "user_profile": parts[0], "user_instructions": parts[0]}
            author = {"role": role, "name": more.pop("name", None), "metadata": {}}
            created = more.pop("create_time", epoch(self.clock.tick()) + 0.25)
            message = {"id": key, "author": author, "create_time": created, "content": content, "status": "finished"}
            message |= {"end_turn": True, "weight": 1.0, "metadata": {}, "recipient": "all", **more}
        self.mapping[key] = {"id": key, "message": message, "parent": parent, "children": []}
        if parent is not None:
            self.mapping[parent]["children"].append(key)
        self.last = key
        return key

    def done(self, *, current: str | None = None, missing: bool = False) -> dict[str, Any]:
        talk = {"id": self.title, "conversation_id": self.title, "title": self.title, "create_time": 1704067200.5}
        talk |= {"update_time": 1704067500.5, "mapping": self.mapping, "moderation_results": [], "is_archived": False}
        return talk if missing else {**talk, "current_node": current or self.last}


def chatgpt(name: str, ascii_only: bool) -> Case:
    case = Case(name, "chatgpt", "conversations.json", evidence="F")
    hidden = {"is_visually_hidden_from_conversation": True}
    talks = []

    tree = Tree("ramos")  # an edited question, and an answer made again
    tree.add(None, [])
    tree.add("system", [""], weight=0.0, metadata=hidden)
    tree.add("user", [case.out(None, "custom")], kind="user_editable_context", metadata=hidden)
    case.drop("hidden|system|media", 2)
    q1, a1, q2, a2 = case.ask(), case.answer() + "\n\n```js\nconst a = 1 < 2;\n```", case.ask(), case.answer()
    tree.add("user", [q1])
    fork = tree.add("assistant", [a1])
    tree.add("user", [case.cut("branch", "edited-question")], under=fork)
    tree.add("assistant", [case.cut("branch", "old-answer")])
    asked = tree.add("user", [q2], under=fork)
    tree.add("assistant", [case.cut("branch", "regenerated")], under=asked)
    tree.add("assistant", [a2], under=asked)
    case.conv(("user", q1), ("assistant", a1), ("user", q2), ("assistant", a2))
    talks.append(tree.done())

    tree = Tree("ferramentas")  # tools, thoughts, pictures
    tree.add(None, [])
    tree.add("system", [case.out("hidden|system", "system")], metadata=hidden)
    q3, a3, q4, a4 = case.ask(), case.answer(), case.ask(), case.answer()
    picture = {
        "content_type": "image_asset_pointer",
        "asset_pointer": f"file-service://{case.out(None, 'asset', '')}",
        "size_bytes": 9,
    }
    tree.add("user", [picture, q3], kind="multimodal_text")
    tree.add("assistant", [case.out("tool", "thoughts")], kind="thoughts")
    tree.add("assistant", [case.out("tool", "call")], kind="code", recipient="python")
    tree.add("tool", [case.out("tool", "output")], kind="execution_output", name="python")
    tree.add("assistant", [case.out("tool", "search")], recipient="browser")
    tree.add("tool", [case.out("tool", "quote")], kind="tether_quote", name="browser", create_time=None)
    tree.add("assistant", [a3], create_time=None)
    tree.add("user", [picture], kind="multimodal_text")
    case.drop("media")
    tree.add("user", [q4])
    tree.add("assistant", [""])
    case.drop("media")
    tree.add("assistant", [a4])
    tree.add("user", [case.cut("trailing", "thanks")])
    case.conv(("user", q3), ("assistant", a3), ("user", q4), ("assistant", a4))
    talks.append(tree.done())

    tree = Tree("sem-folha")  # no current_node: the deepest leaf, which is the latest too
    tree.add(None, [])
    q5, a5, q6, a6 = case.ask(), case.answer(), case.ask(), case.answer()
    first = tree.add("user", [q5])
    tree.add("assistant", [case.cut("branch", "first-leaf")], under=first)
    tree.add("assistant", [a5], under=first)
    tree.add("user", [q6])
    tree.add("assistant", [a6])
    case.conv(("user", q5), ("assistant", a5), ("user", q6), ("assistant", a6))
    talks.append(tree.done(missing=True))

    tree = Tree("perdida")  # current_node is no node of the tree
    tree.add(None, [])
    q7, a7 = case.ask(), case.answer()
    tree.add("user", [q7])
    tree.add("assistant", [a7])
    case.conv(("user", q7), ("assistant", a7))
    talks.append(tree.done(current="nowhere"))

    tree = Tree("vazia")
    tree.add(None, [])
    tree.add("system", [""], metadata=hidden)
    case.drop("hidden|system|media")
    talks.append(tree.done())
    # The nodes of the mapping stand in no order that counts.
    for talk in talks:
        talk["mapping"] = dict(sorted(talk["mapping"].items(), key=lambda item: case.rng.random()))
    # Roots without a message: nobody says whether they are records.
    case.uncounted("hidden|system|media")
    case.json("conversations.json", talks, ascii_only=ascii_only)
    return case


def claude(name: str, shape: str) -> Case:
    case = Case(name, "claude", "conversations.json", evidence="K" if shape == "branch" else "F")
    clock = Clock("2024-11-02 10:00:00")
    talks: list[dict[str, Any]] = []

    def message(
        sender: str, text: str | None, blocks: list[dict[str, Any]] | None = None, **more: Any
    ) -> dict[str, Any]:
        stamp = iso(clock.tick())
        content = [{"type": "text", "text": text, "citations": []}] if blocks is None else blocks
        base = {"uuid": f"{case.rng.randrange(10**9):09}", "text": text or "", "content": content, "sender": sender}
        return {**base, "created_at": stamp, "updated_at": stamp, "attachments": [], "files": [], **more}

    def talk(messages: list[Any]) -> None:
        about = {"uuid": f"c{len(talks)}", "name": f"Assunto {len(talks)}", "created_at": iso(clock.now)}
        talks.append({**about, "updated_at": iso(clock.now), "account": {"uuid": "a"}, "chat_messages": messages})

    q1, a1, q2, a2, q3, a3 = (case.answer() if n % 2 else case.ask() for n in range(6))
    blocks: list[dict[str, Any]] = [
        {
            "type": "thinking",
            "thinking": case.out(None, "thinking"),
            "summaries": [{"summary": case.out(None, "summary")}],
        },
        {"type": "text", "text": a1, "citations": []},
        {"type": "tool_use", "name": "repl", "input": {"code": case.out(None, "tool-use")}},
        {"type": "tool_result", "name": "repl", "content": [{"type": "text", "text": case.out(None, "tool-result")}]},
    ]
    only: list[dict[str, Any]] = [{"type": "thinking", "thinking": case.out("tool|media", "only-thinking")}]
    picture = [{"file_name": "x.png"}]
    talk(
        [
            message("human", q1),
            message("assistant", "", blocks),
            None,
            message("human", "", files=picture),
            message("human", q2),
            message("assistant", "", only),
            message("assistant", a2),
            message("human", case.cut("trailing", "thanks")),
        ]
    )
    case.drop("media")
    case.uncounted("null")
    case.conv(("user", q1), ("assistant", a1), ("user", q2), ("assistant", a2))
    old = [message("human", q3), message("assistant", a3)]
    for row in old:
        del row["content"]  # older exports: the text alone
    talk(old)
    case.conv(("user", q3), ("assistant", a3))
    talk([])
    if shape == "branch":
        q4, a4, a5 = case.ask(), case.answer(), case.answer()
        first = message("human", q4, parent_message_uuid="00000000-0000-4000-8000-000000000000")
        told = [
            message("assistant", text, parent_message_uuid=first["uuid"]) for text in (case.cut("branch", "retry"), a4)
        ]
        more = message("human", q5 := case.ask(), parent_message_uuid=told[1]["uuid"])
        last = message("assistant", a5, parent_message_uuid=more["uuid"])
        talk([first, *told, more, last])
        case.conv(("user", q4), ("assistant", a4), ("user", q5), ("assistant", a5))
    case.json("conversations.json", {"conversations": talks} if shape == "wrapped" else talks, indent=2)
    return case


def chatgpt_zip() -> Case:
    """As it is mailed: the talks beside a page, the account and the feedback."""
    case = chatgpt("chatgpt-zip", False)
    account = {"id": "user-1", "email": case.out(None, "account"), "chatgpt_plus_user": True}
    feedback = [{"id": "f", "conversation_id": "ramos", "rating": "thumbsUp", "content": case.out(None, "feedback")}]
    case.json("user.json", account)
    case.json("message_feedback.json", feedback)
    case.text("chat.html", f"<html><body><pre>{case.out(None, 'page')}</pre></body></html>")
    case.zipped("chatgpt-export.zip")
    return case


def claude_zip() -> Case:
    case = claude("claude-zip", "list")
    case.json("users.json", [{"uuid": "a", "full_name": case.out(None, "account"), "email_address": "x@example.com"}])
    case.json("projects.json", [{"uuid": "p", "name": "P", "prompt_template": case.out(None, "project"), "docs": []}])
    case.zipped("claude-export.zip")
    return case


def models() -> Iterator[Case]:
    yield chatgpt("chatgpt", False)
    yield chatgpt("chatgpt-ascii", True)
    yield chatgpt_zip()
    yield claude("claude", "list")
    yield claude("claude-wrapped", "wrapped")
    yield claude("claude-branch", "branch")
    yield claude_zip()

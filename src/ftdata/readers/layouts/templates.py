"""Chat templates backwards: from the text that one rendered to the messages that it was given.

A text is taken only if all of it follows the template: whatever looks like a control token and is left over in what
somebody says refuses the text, since a model would be taught to write it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from ftdata.errors import RowError
from ftdata.readers.layouts.anthropic_hh import transcript
from ftdata.readers.layouts.rows import Turn, joined
from ftdata.readers.layouts.turns import ROLES

CONTROL = re.compile(
    r"<\|[A-Za-z_][\w ]*\|?>|<[a-z]\w*\|>|<｜[^｜\n]{1,40}｜>|</?s>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>"
    r"|<(?:bos|eos|pad|unk|end_of_utterance)>|\[(?:AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]"
)
"""What control tokens of known templates look like."""

# What may stand before the first turn, or after the end of one: the tokens that begin and end a text.
_EDGES = re.compile(
    r"(?:\s|<s>|</s>|<bos>|<eos>|<pad>|<\|(?:begin_of_text|end_of_text|endoftext|startoftext|eot_id)\|>"
    r"|<BOS_TOKEN>|\[gMASK\]<sop>|<\|end▁of▁sentence\|>|<｜(?:begin|end)▁of▁sentence｜>)*"
)
_LAST = ("</s>", "<s>", "<eos>", "<pad>", "<|endoftext|>", "<|end_of_text|>", "<｜end▁of▁sentence｜>")
_NO_THOUGHT = re.compile(r"\A<think>(?:\n\n</think>\n\n|</think>\n)")  # Qwen3 and GLM, where there was no thought
# What Llama 3.1's template and its successors write before any system message, and in place of none.
_DATED = re.compile(r"\A(?:Environment: ipython\n)?Cutting Knowledge Date: [^\n]{1,40}\nToday Date: [^\n]{1,40}\n\n")
_ROLES: Mapping[str, str] = {**ROLES, "instruction": "user", "response": "assistant"}


@dataclass(frozen=True)
class Template:
    """A chat template: what opens a turn (the group is the speaker), what ends one, and how both are read.

    Where nothing ends a turn but the next one, the white space around its text belongs to the template.
    `leading`: what stands before the first turn is the system message.
    """

    name: str
    opening: re.Pattern[str]
    ends: tuple[str, ...] = ()
    leading: bool = False
    sign: str = ""
    roles: Mapping[str, str] = field(default_factory=lambda: _ROLES)
    alternate: bool = False

    def turns(self, text: str) -> list[Turn] | None:
        """Give the messages; None: the text is of another template."""
        if self.sign not in text:
            return None
        before, *pieces = self.opening.split(text)
        if len(pieces) < 2:
            return None
        turns: list[Turn] = []
        edge = _EDGES.match(before)
        system = before[edge.end() :].strip() if edge else before.strip()
        if system:
            if not self.leading:
                return None
            turns.append(("system", system))
        for place in range(0, len(pieces), 2):
            role = self.roles.get(pieces[place].casefold())
            if role is None or role == "call":
                raise RowError("unknown-role")
            said = self._said(pieces[place + 1], place + 2 == len(pieces))
            if said is None:
                return None
            if place + 2 == len(pieces) and role == "assistant" and not said.strip() and len(turns):
                break  # the prompt for an answer that was not written
            if role == "assistant":
                said = _NO_THOUGHT.sub("", said)
            elif role == "system" and (dated := _DATED.match(said)):
                said = said[dated.end() :]
                if not said.strip():
                    continue
            turns.append((role, said))
        spoken = [turn[0] for turn in turns if turn[0] != "system"]
        if self.alternate and any(one == other for one, other in pairwise(spoken)):
            raise RowError("unclear-turns")
        return turns

    def _said(self, body: str, last: bool) -> str | None:
        """Give the text of a turn without what ends it; None: it does not end as it must."""
        if not self.ends:
            return _bare(body).lstrip()
        at, end = max((body.rfind(end), end) for end in self.ends)
        if at >= 0 and _EDGES.fullmatch(body, at + len(end)):
            return body[:at]
        return _bare(body) if last else None


def _bare(text: str) -> str:
    """Give a text without white space and tokens that end a text, at its end."""
    text = text.rstrip()
    while text.endswith(_LAST):
        text = next(text.removesuffix(end) for end in _LAST if text.endswith(end)).rstrip()
    return text


def _open(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


_BARS = _open(r"<\|(system|user|assistant|observation|tool|SYSTEM|USER|ASSISTANT)\|>\n?")
_COMMAND = {"user": "user", "chatbot": "assistant", "system": "system"}

TEMPLATES: tuple[Template, ...] = (
    Template("ChatML", _open(r"<\|im_start\|>(\w+)(?:\n|<\|im_sep\|>)"), ("<|im_end|>",), sign="<|im_start|>"),
    Template(
        "Llama 3",
        _open(r"<\|start_header_id\|>(\w+)<\|end_header_id\|>\n\n"),
        ("<|eot_id|>", "<|eom_id|>"),
        sign="<|start_header_id|>",
    ),
    Template(
        "Llama 4",
        _open(r"<\|header_start\|>(\w+)<\|header_end\|>\n\n"),
        ("<|eot|>", "<|eom|>"),
        sign="<|header_start|>",
    ),
    Template("Gemma", _open(r"<start_of_turn>(\w+)\n"), ("<end_of_turn>",), sign="<start_of_turn>"),
    Template("Gemma 4", _open(r"<\|turn>(\w+)\n"), ("<turn|>",), sign="<|turn>"),
    Template("Phi", _BARS, ("<|end|>",), sign="<|end|>"),
    Template("Zephyr", _BARS, ("</s>",), sign="</s>"),
    Template("Tulu", _BARS, sign="<|user|>"),
    Template(
        "Command R",
        _open(r"<\|START_OF_TURN_TOKEN\|><\|(USER|CHATBOT|SYSTEM)_TOKEN\|>"),
        ("<|END_OF_TURN_TOKEN|>",),
        sign="<|START_OF_TURN_TOKEN|>",
        roles=_COMMAND,
    ),
    Template("DeepSeek", _open(r"<｜(User|Assistant)｜>"), leading=True, sign="<｜User｜>"),
    Template(
        "### Human",
        _open(r"### ?(Human|User|Assistant|System|GPT):"),
        leading=True,
        sign="### ",
        alternate=True,
    ),
    Template("OIG", _open(r"(?:\A|(?<=\n))<(human|bot)>:[ \t]?"), sign="<bot>:", alternate=True),
    Template(
        "Vicuna",
        _open(r"(?:\A|(?<=\s)|(?<=</s>))(USER|ASSISTANT):(?: |\Z|(?=\n))"),
        leading=True,
        sign="ASSISTANT:",
        alternate=True,
    ),
)

# --- templates that are no sequence of equal turns --------------------------------------------------------------------

_SYS = re.compile(r"\A\s*<<SYS>>\n?(.*?)\n?<</SYS>>\s*", re.DOTALL)
_SECTION = re.compile(r"(?:\A|(?<=\n))### ?(System|Instruction|Input|Response):[ \t]*(?:\n|(?=\S)|\Z)")
# Stanford's two sentences, and LLaMA-Factory's.
_PREAMBLE = re.compile(
    r"Below is an instruction that describes a task(?:, paired with an input that provides further context)?\.\s+"
    r"Write a response that appropriately completes the request\."
)


def _instructed(text: str) -> list[Turn] | None:
    """Read Llama 2's and Mistral's `[INST] … [/INST] …`."""
    before, *pieces = text.split("[INST]")
    if not pieces or not _EDGES.fullmatch(before):
        return None
    turns: list[Turn] = []
    for piece in pieces:
        asked, closed, answer = piece.partition("[/INST]")
        if not closed:
            return None
        system = _SYS.match(asked) if not turns else None
        if system is not None:
            turns += [("system", system[1].strip())] if system[1].strip() else []
            asked = asked[system.end() :]
        turns.append(("user", asked.strip()))
        if said := _bare(answer).lstrip():
            turns.append(("assistant", said))
    return turns


def _sections(text: str) -> list[Turn] | None:
    """Read Alpaca's `### Instruction:`, `### Input:`, `### Response:`."""
    before, *pieces = _SECTION.split(text)
    if "Response" not in pieces[::2]:
        return None
    edge = _EDGES.match(before)
    system = _PREAMBLE.sub("", before[edge.end() :] if edge else before).strip()
    turns: list[Turn] = [("system", system)] if system else []
    for label, body in zip(pieces[::2], pieces[1::2], strict=True):
        said = _bare(body).lstrip("\n")
        if label == "Input":
            if not turns or turns[-1][0] != "user":
                return None
            turns[-1] = ("user", joined(turns[-1][1], said))
        elif said or label == "Instruction":
            turns.append(({"System": "system", "Response": "assistant"}.get(label, "user"), said))
    return turns


def _transcribed(text: str) -> list[Turn] | None:
    r"""Read `\n\nHuman: …\n\nAssistant: …`."""
    if not text.lstrip().startswith("Human:") or "\n\nAssistant:" not in text:
        return None
    return [(role, said.strip()) for role, said in transcript(text)]


_OTHERS: tuple[tuple[str, Callable[[str], list[Turn] | None]], ...] = (
    ("[INST]", _instructed),
    ("### Instruction", _sections),
    ("Human and Assistant", _transcribed),
)


def rendered(text: str) -> tuple[str, list[Turn]]:
    """Give the template that a text follows, and the messages it holds.

    Raises RowError: `no-template`, `unknown-role`, `unclear-turns` (two turns of one role, where only the other may
    follow), `control-token`.
    """
    for name, read in (*((one.name, one.turns) for one in TEMPLATES), *_OTHERS):
        turns = read(text)
        if turns:
            if any(CONTROL.search(turn[1]) for turn in turns):
                raise RowError("control-token")
            return name, turns
    raise RowError("control-token" if CONTROL.search(text) else "no-template")

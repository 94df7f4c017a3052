"""A chat template renders a row, and marks what is learnt, as the library transformers does."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import texts
from token_folder import make_folder

from ftdata.batch import to_batches
from ftdata.conversation import Conversation, Message, assistant, system, user
from ftdata.errors import RecipeError
from ftdata.tokens import Template, counted, counter, per_row, rendered
from ftdata.tokens.template import Refused

pytest.importorskip("jinja2")

TALK = Conversation(messages=(system("be brief"), user("hello"), assistant("hi"), user("why?"), assistant("so")))
PLAIN = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
ODD = """{{ bos_token }}{%- set ns = namespace(n=0) -%}
{%- macro said(m) -%}{{ m.content | trim }}{%- endmacro -%}
{%- for m in messages %}
  {%- if m.role == 'system' %}{% continue %}{% endif %}
  {%- set ns.n = ns.n + 1 %}
  {%- if m.role == 'assistant' %}
<a{{ ns.n }}>{% generation %}{{ said(m) }}{{ eos_token }}{% endgeneration %}
  {%- else %}
<u>{{ m | tojson }}{{ said(m) }}
  {%- endif %}
{%- endfor %}
{{ dict(a=1) | tojson }}"""


def learnt(row: Conversation, template: Template | str) -> list[str]:
    shown = rendered(row, template)
    return [shown.text[first:last] for first, last in shown.spans]


def test_the_named_templates_mark_the_answers_and_their_end() -> None:
    assert learnt(TALK, "chatml") == ["hi<|im_end|>", "so<|im_end|>"]
    assert learnt(TALK, "llama-3") == ["hi<|eot_id|>", "so<|eot_id|>"]
    assert rendered(TALK, "chatml").text.startswith("<|im_start|>system\nbe brief<|im_end|>\n<|im_start|>user\nhello<|")


@pytest.mark.parametrize("source", ["chatml", "llama-3", ODD, PLAIN])
def test_renders_and_masks_as_transformers_does(source: str, tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    pytest.importorskip("transformers")
    from transformers import PreTrainedTokenizerFast

    logging.getLogger("transformers").setLevel(logging.ERROR)
    folder = make_folder(tmp_path)
    text = Template.named(source).source if source in ("chatml", "llama-3") else source
    theirs = PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"), bos_token="<s>", eos_token="<|im_end|>", chat_template=text
    )
    (folder / "chat_template.jinja").write_text(text, encoding="utf-8")
    ours = Template.of(folder)
    assert ours is not None
    own = counter(folder)

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), texts(20)), min_size=1, max_size=5))
    def same(turns: list[tuple[str, str]]) -> None:
        row = Conversation(messages=tuple(Message(role=role, content=content) for role, content in turns))
        given_ = [{"role": role, "content": content} for role, content in turns]
        shown = rendered(row, ours)
        assert shown.text == theirs.apply_chat_template(given_, tokenize=False)
        asked: dict[str, Any] = {"tokenize": True, "return_dict": True, "return_assistant_tokens_mask": ours.marked}
        made = theirs.apply_chat_template(given_, **asked)
        found = per_row(next(to_batches([row])), own)
        assert found.all.tolist() == [len(made["input_ids"])]
        if ours.marked:
            offsets = own.offsets(shown.text)  # type: ignore[attr-defined]
            assert shown.learnt(offsets).astype(int).tolist() == made["assistant_masks"]
            assert found.trained.tolist() == [sum(made["assistant_masks"])]

    same()


def test_without_marks_nothing_is_said_to_be_learnt() -> None:
    template = Template(PLAIN, "plain")
    assert not template.marked
    assert rendered(TALK, template).spans == ()
    assert not Template("{# {% generation %} #}{% raw %}{% generation %}{% endraw %}", "comment").marked
    assert Template(ODD, "odd").marked


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ messages.append(1) }}",
        "{{ messages[0].update(a=1) }}",
        "{{ namespace(__init__=1) }}",
        "{% set ns = namespace() %}{% set ns.__class__ = 1 %}",
        "{{ dict.__class__.__subclasses__() }}",
        "{% include '/etc/passwd' %}",
        "{{ messages[9].content }}",
        "{{ raise_exception(messages[0].content) }}",
        "{{ 1 / 0 }}",
    ],
)
def test_what_a_template_may_not_do_refuses_the_row_and_tells_no_text_of_it(source: str) -> None:
    secret = Conversation(messages=(user("secret words"),))
    with pytest.raises(Refused) as error:
        rendered(secret, Template(source, "t"))
    assert "secret" not in str(error.value) and "\n" not in str(error.value)
    assert secret.messages == (user("secret words"),)


def test_the_words_of_a_template_s_own_refusal_are_shown() -> None:
    with pytest.raises(Refused, match="roles must alternate"):
        rendered(TALK, Template("{{ raise_exception('roles must alternate') }}", "t"))


def test_a_template_that_is_none_is_an_error_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "t.jinja").write_text("a\n{% for x in %}")
    with pytest.raises(RecipeError, match=r"t\.jinja, line 2"):
        rendered(TALK, str(tmp_path / "t.jinja"))
    with pytest.raises(RecipeError, match="name a file, or one of chatml, llama-3"):
        rendered(TALK, "chatmll")


def test_the_template_beside_a_tokenizer_is_found(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    folder = make_folder(tmp_path, PLAIN)
    found = Template.of(folder)
    assert found is not None and found.source == PLAIN
    assert found.specials == {"bos_token": "<s>", "eos_token": "<|im_end|>"}
    several = tmp_path / "several"
    several.mkdir()
    (several / "tokenizer_config.json").write_text('{"chat_template": [{"name": "default", "template": "x"}]}')
    assert Template.of(several) == Template("x", "several")
    (tmp_path / "none").mkdir()
    assert Template.of(tmp_path / "none") is None


def test_a_preference_row_is_rendered_with_each_answer(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    folder = make_folder(tmp_path, Template.named("chatml").source)
    own = counter(folder)
    asked = (user("hello"), assistant("hi"), user("why?"))
    good, bad = (assistant("it left us on Monday"),), (assistant("no"),)
    pair = Conversation(messages=(*asked, *good), rejected=bad, answer_at=3)

    def size(text: str) -> int:
        return len(own.offsets(text))  # type: ignore[attr-defined]

    def tokens(*messages: Message) -> int:
        return size(rendered(Conversation(messages=messages), "chatml").text)

    row = next(to_batches([pair]))
    question = tokens(*asked)
    answers = size("it left us on Monday<|im_end|>") + size("no<|im_end|>")  # not the answer within the question
    found = per_row(row, own)
    assert found.all.tolist() == [tokens(*asked, *good) + tokens(*asked, *bad) - question]
    assert found.trained.tolist() == [answers]
    assert per_row(row, own, limit=question).all.tolist() == [question]
    assert per_row(row, own, limit=question).trained.tolist() == [0]


def test_a_row_that_the_template_does_not_take_is_counted_by_its_texts(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    source = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}" + PLAIN
    own = counter(make_folder(tmp_path, source))
    found = counted(next(to_batches([TALK, Conversation(messages=(user("hello"),))])), own)
    assert found.refused.tolist() == [True, False]
    assert found.unmarked and (found.all > 0).all()

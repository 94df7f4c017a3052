"""Endpoints of OpenAI's protocol: who is who, what addresses and names of keys are refused, and where a key goes."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftdata import endpoints
from ftdata.endpoints import endpoint, parse, presets
from ftdata.errors import RecipeError, VendorError
from ftdata.targets import load

KEY = "sk-canary-4f1d9b0c7a5e48d2"
PRESET = (
    '[[preset]]\nname = "acme"\ntitle = "Acme"\nbase_url = "https://acme.example/v1"\nhosts = ["acme.example"]\n'
    'key_env = "ACME_API_KEY"\ntarget = "openai"\nmethods = ["sft"]\nplain_bytes = 1\nparts = false\nevents = true\n'
    'checkpoints = true\npause = false\nmetadata = "none"\nmodels = true\nsource = "a page"\n'
    'url = "https://acme.example/docs"\nchecked = 2026-11-22\n'
)


def test_each_preset_is_dated_and_its_profile_is_there() -> None:
    assert presets() == ("openai", "azure", "nebius", "local")
    for name in presets():
        base = {"azure": "acme-eu", "local": "http://127.0.0.1:8000/v1"}.get(name)
        found = endpoint(name, base)
        assert found.source and found.url.startswith("https://") and found.checked.year >= 2026
        assert load(found.target).layout == "openai-chat"
        assert (found.name, found.destination) == (name, name)


@pytest.mark.parametrize("lost", ["source", "url", "checked", "methods", "parts", "metadata"])
def test_a_preset_that_lacks_its_source_or_date_does_not_load(lost: str) -> None:
    assert parse(PRESET, "p.toml")["acme"].title == "Acme"
    with pytest.raises(RecipeError, match=rf"p.toml: preset acme: {lost}"):
        parse(re.sub(rf"(?m)^{lost} = .*\n", "", PRESET), "p.toml")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (PRESET + 'unverified = ["speed"]\n', "speed is no capability"),
        (PRESET + PRESET, "named twice"),
        ("[[preset]\n", "p.toml"),
    ],
)
def test_faulty_presets(text: str, why: str) -> None:
    with pytest.raises(RecipeError, match=why):
        parse(text, "p.toml")


def test_azure_is_found_by_its_resource_or_its_address() -> None:
    by_name, by_url = endpoint("azure", "Acme-EU"), endpoint("azure", "https://acme-eu.openai.azure.com/openai/v1/")
    assert by_name == by_url
    assert by_name.base_url == "https://acme-eu.openai.azure.com/openai/v1"
    assert by_name.system("ft-1") == "https://acme-eu.openai.azure.com/openai/v1#ft-1"
    assert endpoint().system("gpt-4.1") == "openai:gpt-4.1"
    with pytest.raises(RecipeError, match="azure wants one, such as https://RESOURCE"):
        endpoint("azure")


def test_any_other_address_is_known_by_its_host_and_has_a_key_of_its_own() -> None:
    here = endpoint(base_url="http://localhost:8000/v1/")
    assert (here.name, here.destination, here.key_needed, here.prices) == ("local", "local", False, None)
    there = endpoint(base_url="https://llm.example.com/v1")
    assert (there.name, there.destination, there.key_env) == ("llm.example.com",) * 2 + ("LLM_EXAMPLE_COM_API_KEY",)
    assert there.key_env != endpoint().key_env, "OpenAI's key must not go there"
    assert endpoint(base_url="https://llm.example.com/v1", key_env="GATEWAY_KEY").key_env == "GATEWAY_KEY"
    assert endpoint(base_url="https://eu.api.openai.com/v1").name == "openai"
    assert endpoint("azure", "http://127.0.0.1:9/openai/v1").destination == "azure"


@pytest.mark.parametrize(
    ("preset", "url", "why"),
    [
        ("opnai", None, "did you mean 'openai'"),
        ("other", None, "is none"),
        ("local", None, "local wants one"),
        ("local", "https://llm.example.com/v1", "is not this machine"),
        ("azure", "https://acme.example.com/openai/v1", "its key goes to no other"),
        ("azure", "https://openai.azure.com.evil.example/openai/v1", "its key goes to no other"),
        ("nebius", "https://evil.example/v1", "its key goes to no other"),
        ("openai", "http://llm.example.com/v1", "use https"),
        ("openai", "http://10.0.0.7:8000/v1", "use https"),
        ("openai", "http://127.0.0.1.evil.example/v1", "use https"),
        ("openai", "https://169.254.169.254/latest", "no address of a server"),
        ("openai", "https://0.0.0.0/v1", "no address of a server"),
        ("openai", "ftp://llm.example.com/v1", "is no address"),
        ("openai", "llm.example.com/v1", "is no address"),
        ("openai", "https://", "is no address"),
        ("openai", "https://llm.example.com:99999/v1", "is no address"),
        ("openai", "https://[::1/v1", "is no address"),
        ("openai", "https://llm.example.com/v1?key=1", "must end with its path"),
        ("openai", "https://llm.example.com/v1#x", "must end with its path"),
        ("openai", "https://llm.example.com/v1\nX: y", "must end with its path"),
    ],
)
def test_addresses_that_are_refused(preset: str, url: str | None, why: str) -> None:
    with pytest.raises(RecipeError, match=why) as caught:
        endpoint(preset, url)
    assert "\n" not in str(caught.value)


def test_a_password_in_an_address_is_refused_and_not_shown() -> None:
    for url in (f"https://user:{KEY}@llm.example.com/v1", f"https://{KEY}@api.openai.com/v1"):
        with pytest.raises(RecipeError, match="user name or password") as caught:
            endpoint(base_url=url)
        assert KEY not in str(caught.value)


KEYS = [KEY, "hf_AbCdEfGhIjKlMnOp", "AKIAIOSFODNN7EXAMPLE", "0123456789abcdef0123456789abcdef", "sk_live_x", "", "A B"]


@pytest.mark.parametrize("key", KEYS)
def test_what_looks_like_a_key_is_no_name_and_is_not_shown(key: str) -> None:
    with pytest.raises(RecipeError, match="name of an environment variable") as caught:
        endpoint(key_env=key)
    assert not key or key not in str(caught.value)


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=60))
def test_no_address_raises_anything_else(text: str) -> None:
    for url in (text, f"https://{text}", f"http://{text}/v1"):
        try:
            found = endpoint(base_url=url)
        except RecipeError:
            continue
        assert found.base_url.startswith("https://") or found.here


# --- the client -------------------------------------------------------------------------------------------------------


def _asked(where: endpoints.Endpoint, answer: Any) -> list[Any]:
    """Ask for the models through the real SDK; give the requests that left."""
    httpx2 = pytest.importorskip("httpx2")
    seen: list[Any] = []

    def handle(request: Any) -> Any:
        seen.append(request)
        return answer(httpx2)

    client = endpoints.client(where, transport=httpx2.MockTransport(handle), max_retries=0)
    client.models.list()
    return seen


def _nothing(httpx2: Any) -> Any:
    return httpx2.Response(200, json={"object": "list", "data": []})


def test_the_key_comes_from_the_named_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openai")
    monkeypatch.setenv("MINE", KEY)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-another")
    (request,) = _asked(endpoint(key_env="MINE"), _nothing)
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.url == "https://api.openai.com/v1/models"


def test_what_is_meant_for_openai_goes_to_openai_only(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openai")
    for name, value in {
        "OPENAI_API_KEY": KEY,
        "OPENAI_ADMIN_KEY": f"{KEY}-admin",
        "OPENAI_ORG_ID": "org-canary",
        "OPENAI_PROJECT_ID": "proj-canary",
        "OPENAI_CUSTOM_HEADERS": f"X-Secret: {KEY}\nAuthorization: Bearer {KEY}",
        "OPENAI_BASE_URL": "https://elsewhere.example/v1",
        "LLM_EXAMPLE_COM_API_KEY": "its-own-key",
    }.items():
        monkeypatch.setenv(name, value)
    for where in (endpoint(base_url="http://127.0.0.1:9/v1"), endpoint(base_url="https://llm.example.com/v1")):
        (request,) = _asked(where, _nothing)
        told = str(request.headers.raw) + str(request.url)
        assert "canary" not in told
        assert request.url.host == where.host
    (request,) = _asked(endpoint(), _nothing)
    assert request.headers["openai-organization"] == "org-canary"


def test_a_redirect_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    openai = pytest.importorskip("openai")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    there = {"location": "https://evil.example/v1/models"}
    with pytest.raises(openai.APIStatusError) as caught:
        _asked(endpoint(), lambda httpx2: httpx2.Response(307, headers=there))
    assert caught.value.status_code == 307


def test_a_request_to_another_host_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    httpx2 = pytest.importorskip("httpx2")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    left: list[Any] = []
    transport = httpx2.MockTransport(lambda request: left.append(request) or httpx2.Response(200, json={}))
    client = endpoints.client(endpoint(), transport=transport, max_retries=0)
    with pytest.raises(VendorError, match=r"another host than api\.openai\.com"):
        client.get("https://evil.example/v1/models", cast_to=object)
    assert not left


@pytest.mark.parametrize("value", ["", "  ", "sk-a b", "sk-a\nX: y", "schlüssel"])
def test_no_key_or_one_that_is_none(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    pytest.importorskip("openai")
    monkeypatch.setenv("OPENAI_API_KEY", value)
    with pytest.raises(VendorError, match=r"OPENAI_API_KEY: (is not set|holds no key)") as caught:
        endpoints.client(endpoint())
    assert not value.strip() or value.strip() not in str(caught.value)


def test_a_server_on_this_machine_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openai")
    monkeypatch.delenv("LOCAL_API_KEY", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    (request,) = _asked(endpoint("local", "http://[::1]:8000/v1"), _nothing)
    assert KEY not in str(request.headers.raw)


def test_no_log_holds_the_key(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("openai")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    for name in ("openai", "httpx2", "httpcore2", "httpcore", "httpx"):
        caplog.set_level(logging.DEBUG, logger=name)
    _asked(endpoint(), _nothing)
    assert KEY not in caplog.text
    assert all(KEY not in repr(record.__dict__) for record in caplog.records)


def test_the_sdk_is_imported_by_the_client_alone() -> None:
    code = (
        "import sys, ftdata.endpoints as e; e.endpoint(); assert not {'openai', 'httpx2', 'httpx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

"""Who speaks OpenAI's protocol, as dated data (`presets.toml`), and the one way to a client of the official SDK.

A key comes only from the environment variable that the endpoint names; it goes to no other host, and no setting may
hold one. `https` everywhere but on this machine; redirects are not followed.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ftdata import tomltext
from ftdata.errors import PluginError, RecipeError, VendorError
from ftdata.wording import hint, inline

METHODS = ("sft", "dpo", "rft")
"""Supervised, on preferences, by reinforcement: OpenAI's `supervised`, `dpo`, `reinforcement`."""

HERE = "local"
"""The destination of what goes to a server on this machine."""

_NO_KEY = "none"
CONNECT, WHOLE = 15.0, 600.0
"""Seconds until a connection must stand, and until it must move again: those of the SDK, but for the first."""


class _Preset(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z]+$")
    title: str = Field(min_length=1)
    base_url: str
    hosts: tuple[str, ...]
    key_env: str
    key_needed: bool = True
    target: str
    prices: str | None = None
    methods: tuple[Literal["sft", "dpo", "rft"], ...] = Field(min_length=1)
    plain_bytes: int = Field(gt=0)
    parts: bool
    events: bool
    checkpoints: bool
    pause: bool
    metadata: Literal["filter", "kept", "none"]
    models: bool
    own_hyperparameters: bool = False
    training_type: bool = False
    processes: bool = False
    unverified: tuple[str, ...] = ()
    source: str = Field(min_length=1)
    url: str = Field(pattern=r"^https://")
    checked: date


@dataclass(frozen=True)
class Endpoint:
    """One place that speaks OpenAI's protocol, and what of it is known.

    `key_env` is the name of the environment variable that holds the key, never the key. `destination` is what
    `[provenance] destinations` must list, `target` the profile by whose rules a file is judged, `prices` the vendor in
    `ftdata cost` (None: the bill is not known, or on this machine there is none). `unverified` names the capabilities
    that nobody could source: they are tried. `checked` is the day on which `source` was read.
    """

    name: str
    title: str
    base_url: str
    key_env: str
    destination: str
    target: str
    key_needed: bool
    prices: str | None
    methods: tuple[str, ...]
    plain_bytes: int
    parts: bool
    events: bool
    checkpoints: bool
    pause: bool
    metadata: str
    models: bool
    own_hyperparameters: bool
    training_type: bool
    processes: bool
    unverified: tuple[str, ...]
    source: str
    url: str
    checked: date

    @property
    def host(self) -> str:
        """The host that the key may go to."""
        return (urlsplit(self.base_url).hostname or "").lower()

    @property
    def here(self) -> bool:
        """Whether it is a server on this machine."""
        return _loopback(self.host)

    def system(self, model: str) -> str:
        """Give the word by which `ftdata eval` asks a model of this endpoint."""
        known = _presets().get(self.name)
        if known is not None and _plain(known.base_url) == self.base_url:
            return f"{self.name}:{model}"
        return f"{self.base_url}#{model}"


def presets() -> tuple[str, ...]:
    """List the presets that a user can name."""
    return tuple(name for name in _presets() if name != "other")


def endpoint(preset: str = "openai", base_url: str | None = None, key_env: str | None = None) -> Endpoint:
    """Give the endpoint of a preset, or that of a `base_url`.

    `azure` wants a base_url (`https://RESOURCE.openai.azure.com/openai/v1`) or the name of the resource in its place;
    `local` wants one, too. With the preset `openai` any base_url may be given: on this machine it is `local`, elsewhere
    an endpoint named after its host, whose key stands in a variable named after the host (`LLM_EXAMPLE_COM_API_KEY`)
    unless `key_env` names another. Any preset may be given a base_url on this machine.

    Raises:
        RecipeError: no such preset, a base_url that is none or is not https, a `key_env` that is no name.
    """
    known = _presets()
    if preset not in known or preset == "other":
        listed = ", ".join(presets())
        raise RecipeError(f"preset: '{inline(preset)}' is none{hint(preset, presets())} (there are: {listed})")
    own = known[preset]
    if key_env is not None:
        key_env = _named(key_env)
    if base_url is not None and preset == "azure" and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}", base_url):
        base_url = own.base_url.replace("RESOURCE", base_url.lower())
    if base_url is None:
        if re.search(r"[A-Z]", own.base_url):
            raise RecipeError(f"base_url: is missing; {preset} wants one, such as {own.base_url}")
        return _made(own, own.base_url, key_env)
    parts = _split(base_url)
    host = (parts.hostname or "").lower()
    url = _plain(parts.geturl())
    if any(_below(host, one) for one in own.hosts):
        return _made(own, url, key_env)
    if preset == "local" and not _loopback(host):
        raise RecipeError(f"base_url: {host} is not this machine; leave the preset away, {host} is known by its host")
    if preset not in ("openai", "local"):
        if not _loopback(host):
            there = ", ".join(own.hosts)
            raise RecipeError(f"base_url: {host} is no host of {own.title} ({there}); its key goes to no other")
        return _made(own, url, key_env)
    if _loopback(host):
        return _made(known["local"], url, key_env)
    named = re.sub(r"[^A-Z0-9]+", "_", host.upper()).strip("_") + "_API_KEY"
    key = key_env or (f"HOST_{named}" if named[0].isdigit() else named)
    return _made(known["other"], url, key, name=host, title=host, destination=host)


def client(where: Endpoint, *, transport: Any = None, **options: Any) -> Any:
    """Give an `openai.OpenAI` for an endpoint, its key taken from the environment.

    The key goes to the endpoint's host alone: redirects are not followed, a request to another host is not sent, and
    what the SDK would take from the environment for OpenAI (organisation, project, further headers) goes to OpenAI
    only. On this machine no proxy is asked. `options` are those of the SDK (`max_retries`, `timeout`); `transport` is
    one of httpx2, for tests.

    Raises:
        PluginError: the SDK is not installed.
        VendorError: the variable that holds the key is not set, or holds no key.
    """
    try:
        import httpx2  # type: ignore[import-not-found, unused-ignore]
        import openai  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise PluginError("openai: the SDK is not installed; pip install 'ftdata[openai]'") from None
    key = _key(where)
    stray = () if where.name == "openai" else _stray()

    def guard(request: Any) -> None:
        if request.url.host.lower() != where.host:
            raise VendorError(f"{where.title}: a request to another host than {where.host} was not sent")
        for name in stray:
            request.headers.pop(name, None)

    http = httpx2.Client(
        transport=transport,
        follow_redirects=False,
        trust_env=not where.here,
        timeout=httpx2.Timeout(WHOLE, connect=CONNECT),
        event_hooks={"request": [guard]},
    )
    return openai.OpenAI(
        api_key=key,
        admin_api_key="",
        webhook_secret="",
        base_url=where.base_url,
        http_client=http,
        **{"default_headers": {"Authorization": f"Bearer {key}"}, **options},
    )


def secret(where: Endpoint) -> str | None:
    """Give the key of an endpoint, to keep it out of what is told; None where there is none."""
    return os.environ.get(where.key_env, "").strip() or None


# --- what is given ----------------------------------------------------------------------------------------------------


def _key(where: Endpoint) -> str:
    key = secret(where)
    if key is None:
        if not where.key_needed:
            return _NO_KEY
        raise VendorError(
            f"{where.key_env}: is not set; put the key for {where.title} into this environment variable, or name "
            "another with key_env"
        )
    if not re.fullmatch(r"[\x21-\x7e]+", key):
        raise VendorError(f"{where.key_env}: holds no key: a space, line break or other character that no key has")
    return key


def _stray() -> tuple[str, ...]:
    """Name the headers that the SDK adds from the environment, and that are meant for OpenAI alone."""
    given = os.environ.get("OPENAI_CUSTOM_HEADERS", "")
    named = [line.partition(":")[0].strip() for line in given.split("\n") if ":" in line]
    return ("OpenAI-Organization", "OpenAI-Project", *(one for one in named if one.lower() not in _OURS))


_OURS = ("authorization", "host", "content-type", "content-length", "accept", "user-agent", "transfer-encoding")


def _named(key_env: str) -> str:
    """Check that a setting is the name of a variable; what may be a key is not shown."""
    dense = len(key_env) >= 16 and "_" not in key_env and any(letter.isdigit() for letter in key_env)
    if not re.fullmatch(r"[A-Z_][A-Z0-9_]{0,63}", key_env) or dense:
        raise RecipeError(
            "key_env: must be the name of an environment variable (capital letters, digits, underscores), such as "
            "OPENAI_API_KEY; a key itself is never a setting (what was given is not shown)"
        )
    return key_env


def _split(base_url: str) -> SplitResult:
    """Take a base_url apart; raise `RecipeError` for one that is none, has more in it, or is not https."""
    try:
        parts = urlsplit(base_url.strip())
        port = parts.port
        host = parts.hostname or ""
        bare = parts.username is None and parts.password is None
    except ValueError:
        raise RecipeError("base_url: is no address; give one such as https://llm.example.com/v1") from None
    if not bare:
        raise RecipeError("base_url: holds a user name or password; leave it out and name the key's variable (key_env)")
    if parts.scheme not in ("https", "http") or not host or port == 0 or not re.fullmatch(r"[A-Za-z0-9.:_-]+", host):
        raise RecipeError("base_url: is no address; give one such as https://llm.example.com/v1")
    if parts.query or parts.fragment or re.search(r"[^A-Za-z0-9/._~-]", parts.path):
        raise RecipeError("base_url: must end with its path; leave out what stands behind ? or #")
    if parts.scheme == "http" and not _loopback(host):
        raise RecipeError(f"base_url: {host} is not this machine; use https, http would show key and rows to others")
    address = _address(host)
    if address is not None and (address.is_link_local or address.is_unspecified or address.is_multicast):
        raise RecipeError(f"base_url: {host} is no address of a server; give its name")
    return parts


def _plain(url: str) -> str:
    return url.rstrip("/")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _loopback(host: str) -> bool:
    address = _address(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def _below(host: str, pattern: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*") else host == pattern


def _made(own: _Preset, base_url: str, key_env: str | None, **more: str) -> Endpoint:
    fields = own.model_dump(exclude={"hosts"})
    given = {"destination": own.name, **more, "base_url": _plain(base_url), "key_env": key_env or own.key_env}
    return Endpoint(**{**fields, **given})


# --- the data ---------------------------------------------------------------------------------------------------------


@cache
def _presets() -> Mapping[str, _Preset]:
    text = (resources.files(__name__) / "presets.toml").read_text(encoding="utf-8")
    return parse(text, "presets.toml")


def parse(text: str, place: str) -> Mapping[str, _Preset]:
    """Read presets from TOML text; `place` names it in errors.

    Raises:
        RecipeError: every fault at once: a preset without source, date or a capability, one named twice.
    """
    try:
        raw = tomltext.loads(text)
    except tomltext.TOMLDecodeError as error:
        raise RecipeError(f"{place}: {error}") from None
    found: dict[str, _Preset] = {}
    faults = []
    for at, entry in enumerate(raw.get("preset", []), 1):
        where = f"{place}: preset {entry.get('name', at)}"
        try:
            made = _Preset.model_validate(entry)
        except ValidationError as error:
            faults += [f"{where}: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
            continue
        if made.name in found:
            faults.append(f"{where}: is named twice")
        lost = set(made.unverified) - set(_Preset.model_fields)
        faults += [f"{where}: unverified: {one} is no capability" for one in sorted(lost)]
        found[made.name] = made
    if faults:
        raise RecipeError(*faults)
    return found

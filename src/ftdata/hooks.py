"""The one hook, and the catalogue of all stages: built-in ones first, then those of installed plugins.

Plugins are looked up in the metadata of installed distributions and imported only when a recipe names a stage that is
not built in, or when all stages are listed. `FTDATA_PLUGINS=none` shuts them out, `FTDATA_PLUGINS=a,b` lets in those.
"""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pluggy

from ftdata.errors import PluginError
from ftdata.stages import KINDS, Stage
from ftdata.wording import hint, nearest

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

hookspec = pluggy.HookspecMarker("ftdata")
hookimpl = pluggy.HookimplMarker("ftdata")
"""Mark a plugin's `ftdata_stages` function with this."""

GROUP = "ftdata"
"""The entry-point group that plugins register under."""

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
"""What the name of a stage looks like."""


class _Spec:
    @hookspec
    def ftdata_stages(self) -> Sequence[type[Stage]]:
        """Return the stage classes that this plugin offers. Called once, when a stage is looked up."""
        raise NotImplementedError


@dataclass(frozen=True)
class Plugin:
    """An installed plugin, as its metadata tell: nothing of it has been imported."""

    name: str
    distribution: str
    version: str
    point: EntryPoint

    def __str__(self) -> str:
        return f"{self.name} ({self.distribution} {self.version})"


@dataclass(frozen=True)
class Entry:
    """A stage class and where it comes from: `origin` is `ftdata` for a built-in one, else the plugin's name."""

    stage: type[Stage]
    origin: str
    version: str


def let_in() -> frozenset[str] | None:
    """Give the names that `FTDATA_PLUGINS` lets in: those of plugins or of what they offer; None: all."""
    wanted = os.environ.get("FTDATA_PLUGINS", "").strip()
    return None if not wanted else frozenset(name.strip() for name in wanted.split(",")) - {"none"}


def plugins() -> list[Plugin]:
    """List the installed plugins that `FTDATA_PLUGINS` lets in, from metadata, importing none."""
    from importlib.metadata import entry_points

    allowed, found = let_in(), []
    for point in sorted(entry_points(group=GROUP), key=lambda p: p.name):
        if allowed is None or point.name in allowed:
            dist = point.dist
            found.append(Plugin(point.name, dist.name if dist else "?", dist.version if dist else "?", point))
    return found


def _checked(classes: object, who: str) -> list[type[Stage]]:
    """Give the classes a hook returned, or say what is wrong with them."""
    if not isinstance(classes, (list, tuple)) or not classes:
        gave = "an empty list" if isinstance(classes, (list, tuple)) else type(classes).__name__
        raise PluginError(f"plugin {who}: ftdata_stages() gave {gave}; it must return a list of stage classes")
    for stage in classes:
        if not (isinstance(stage, type) and issubclass(stage, KINDS)):
            raise PluginError(f"plugin {who}: ftdata_stages() gave something that is no Reader, Transform, … class")
        name = getattr(stage, "name", None)
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise PluginError(
                f"plugin {who}: {stage.__name__} has no name to use in a recipe; set one of small letters, digits and "
                'hyphens: name: ClassVar[str] = "mask-orders"'
            )
    return list(classes)


def _builtin(kind: str, name: str | None = None) -> object:
    """Make the plugin that ftdata itself is: it offers the stages of a kind, or one of them."""

    def ftdata_stages() -> list[type[Stage]]:
        folder = import_module(f"ftdata.{kind}s")
        homes = folder.STAGES.values() if name is None else [folder.STAGES[name]]
        found = []
        for home in homes:
            module, _, called = home.partition(":")
            found.append(getattr(import_module(f"{folder.__name__}.{module}"), called))
        return found

    return SimpleNamespace(ftdata_stages=hookimpl(ftdata_stages))


def _offered(plugin: object, who: str) -> list[type[Stage]]:
    """Ask one plugin for its stages through pluggy."""
    manager = pluggy.PluginManager("ftdata")
    manager.add_hookspecs(_Spec)
    like = [name for name in dir(plugin) if name != "ftdata_stages" and callable(getattr(plugin, name, None))]
    near = nearest("ftdata_stages", like)
    more = f"; {near!r} looks like a misspelling of it" if near else ""
    try:
        manager.register(plugin, who)
        manager.check_pending()
    except pluggy.PluginValidationError:
        raise PluginError(
            f"plugin {who}: a hook of it does not fit; it needs `def ftdata_stages()`, without arguments, marked with "
            f"`@ftdata.hookimpl`{more}"
        ) from None
    answers = manager.hook.ftdata_stages.get_hookimpls()
    if not answers:
        raise PluginError(
            f"plugin {who}: offers no stage; it needs a function `ftdata_stages()` marked with `@ftdata.hookimpl`{more}"
        )
    return [stage for impl in answers for stage in _checked(impl.function(), who)]


def _load(plugin: Plugin) -> list[type[Stage]]:
    """Import a plugin and ask it; whatever goes wrong becomes a PluginError that names it and carries no data."""
    try:
        with redirect_stdout(sys.stderr):  # stdout is for data
            return _offered(plugin.point.load(), str(plugin))
    except PluginError:
        raise
    except (KeyboardInterrupt, MemoryError):
        raise
    except BaseException as error:
        missing = f" (there is no module {error.name!r})" if isinstance(error, ModuleNotFoundError) else ""
        raise PluginError(
            f"plugin {plugin}: cannot be loaded: {type(error).__name__}{missing} at {raised_at(error)}; repair or "
            "uninstall it, or set FTDATA_PLUGINS=none"
        ) from None


def raised_at(error: BaseException) -> str:
    """Say in which file and line an exception arose, without its message: messages quote values."""
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, SyntaxError) and error.filename:
        return f"{os.path.basename(error.filename)}:{error.lineno}"
    return f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else "an unknown line"


def builtin(kinds: Iterable[str] | None = None) -> tuple[Entry, ...]:
    """Give the built-in stages of some kinds, by default all; the others are not imported."""
    wanted = [base.kind for base in KINDS] if kinds is None else kinds
    return tuple(entry for kind in wanted for entry in _of_kind(kind))


@cache
def _of_kind(kind: str) -> tuple[Entry, ...]:
    from ftdata import __version__

    stages = import_module(f"ftdata.{kind}s").STAGES
    return tuple(Entry(stage, "ftdata", __version__) for stage in _offered(_builtin(kind), "ftdata")) if stages else ()


@cache
def _own(kind: str, name: str) -> Entry | None:
    """Give the built-in stage of a kind with this name; only its module is imported."""
    from ftdata import __version__

    if name not in import_module(f"ftdata.{kind}s").STAGES:
        return None
    return Entry(_offered(_builtin(kind, name), "ftdata")[0], "ftdata", __version__)


@dataclass
class _Catalogue:
    """The stages of all plugins, what is wrong with some, and the names that two of them claim."""

    entries: list[Entry] = field(default_factory=list)
    faults: list[PluginError] = field(default_factory=list)
    clashes: dict[tuple[str, str], PluginError] = field(default_factory=dict)


def offered() -> tuple[list[Entry], list[PluginError]]:
    """Give the stages of all plugins, and the faults of those that could not be loaded or clash."""
    catalogue = _catalogue(tuple(plugins()))
    return list(catalogue.entries), [*catalogue.faults, *catalogue.clashes.values()]


@cache
def _catalogue(found: tuple[Plugin, ...]) -> _Catalogue:
    made = _Catalogue()
    own = {(entry.stage.kind, entry.stage.name) for entry in builtin()}
    holders: dict[tuple[str, str], list[tuple[Plugin, type[Stage]]]] = {}
    for plugin in found:
        try:
            stages = _load(plugin)
        except PluginError as error:
            made.faults.append(error)
            continue
        for stage in stages:
            holders.setdefault((stage.kind, stage.name), []).append((plugin, stage))
    for key, claims in holders.items():
        kind, name = key
        who = " and ".join(str(plugin) for plugin, _ in claims)
        if key in own:
            made.faults.append(
                PluginError(
                    f"plugin {who}: the {kind} {name!r} is built in and cannot be replaced; rename the plugin's"
                )
            )
        elif len(claims) > 1:
            made.clashes[key] = PluginError(
                f"plugins {who}: both offer a {kind} {name!r}; uninstall one, or name the other in FTDATA_PLUGINS"
            )
        else:
            made.entries.append(Entry(claims[0][1], claims[0][0].name, claims[0][0].version))
    return made


def find(kinds: Iterable[str], name: str) -> Entry:
    """Find the stage of one of these kinds with this name: built-in ones first, plugins only if none fits.

    Raises `PluginError` if a plugin that might offer it cannot be loaded, or two offer it; else `LookupError` with a
    suggestion.
    """
    kinds = tuple(kinds)
    for kind in kinds:
        if (own := _own(kind, name)) is not None:
            return own
    catalogue = _catalogue(tuple(plugins()))
    for entry in catalogue.entries:
        if entry.stage.kind in kinds and entry.stage.name == name:
            return entry
    for kind in kinds:
        if (kind, name) in catalogue.clashes:
            raise catalogue.clashes[kind, name]
    known = sorted({e.stage.name for e in (*builtin(kinds), *catalogue.entries) if e.stage.kind in kinds})
    message = f"there is no {' or '.join(kinds)} {name!r}" + hint(name, known, f"; there are {', '.join(known)}")
    if catalogue.faults:
        raise PluginError(message + "".join(f"\n  a plugin that may offer it: {fault}" for fault in catalogue.faults))
    raise LookupError(message)

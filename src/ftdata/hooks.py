"""The one hook, and the catalogue of all stages: built-in ones first, then those of installed plugins.

Plugins are looked up in the metadata of installed distributions and imported only when a recipe names a stage that is
not built in, or when all stages are listed. `FTDATA_PLUGINS=none` shuts them out, `FTDATA_PLUGINS=a,b` lets in those.
"""

from __future__ import annotations

import difflib
import os
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from types import SimpleNamespace

import pluggy

from ftdata.errors import PluginError
from ftdata.stages import KINDS, Stage

hookspec = pluggy.HookspecMarker("ftdata")
hookimpl = pluggy.HookimplMarker("ftdata")
"""Mark a plugin's `ftdata_stages` function with this."""

GROUP = "ftdata"
"""The entry-point group that plugins register under."""


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


@dataclass(frozen=True)
class Entry:
    """A stage class and where it comes from: `origin` is `ftdata` for a built-in one, else the plugin's name."""

    stage: type[Stage]
    origin: str
    version: str


def plugins() -> list[Plugin]:
    """List the installed plugins that `FTDATA_PLUGINS` lets in, from metadata, importing none."""
    wanted = os.environ.get("FTDATA_PLUGINS", "").strip()
    allowed = None if not wanted else {name.strip() for name in wanted.split(",")} - {"none"}
    found = []
    for point in sorted(entry_points(group=GROUP), key=lambda p: p.name):
        if allowed is None or point.name in allowed:
            dist = point.dist
            found.append(Plugin(point.name, dist.name if dist else "?", dist.version if dist else "?", point))
    return found


def _checked(classes: object, who: str) -> list[type[Stage]]:
    """Give the classes a hook returned, or say what is wrong with them."""
    if not isinstance(classes, (list, tuple)):
        raise PluginError(f"plugin {who}: ftdata_stages() must return a list of stage classes")
    for stage in classes:
        if not (isinstance(stage, type) and issubclass(stage, KINDS)):
            raise PluginError(f"plugin {who}: ftdata_stages() gave something that is no Reader, Transform, … class")
        if not isinstance(getattr(stage, "name", None), str):
            raise PluginError(f"plugin {who}: {stage.__name__} has no name; set `name: ClassVar[str]`")
    return list(classes)


def _builtin() -> object:
    def ftdata_stages() -> list[type[Stage]]:
        kinds = ("readers", "transforms", "selectors", "checks", "writers", "trainers")
        return [stage for kind in kinds for stage in import_module(f"ftdata.{kind}").STAGES]

    return SimpleNamespace(ftdata_stages=hookimpl(ftdata_stages))


def _offered(plugin: object, who: str) -> list[type[Stage]]:
    """Ask one plugin for its stages through pluggy."""
    manager = pluggy.PluginManager("ftdata")
    manager.add_hookspecs(_Spec)
    try:
        manager.register(plugin, who)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        hint = difflib.get_close_matches("ftdata_stages", [n for n in dir(plugin) if n.startswith("ftdata")], 1)
        more = f"; {hint[0]!r} looks like a misspelling" if hint and hint[0] != "ftdata_stages" else ""
        raise PluginError(
            f"plugin {who}: its hook does not fit `def ftdata_stages()`, marked with ftdata.hookimpl{more} "
            f"({type(error).__name__})"
        ) from None
    answers = manager.hook.ftdata_stages.get_hookimpls()
    if not answers:
        raise PluginError(
            f"plugin {who}: offers no stage; it needs a function `ftdata_stages()` marked with `@ftdata.hookimpl`"
        )
    return [stage for impl in answers for stage in _checked(impl.function(), who)]


def _load(plugin: Plugin) -> list[type[Stage]]:
    """Import a plugin and ask it; whatever goes wrong becomes a PluginError that names it and carries no data."""
    try:
        return _offered(plugin.point.load(), plugin.name)
    except PluginError:
        raise
    except (KeyboardInterrupt, MemoryError):
        raise
    except BaseException as error:
        raise PluginError(
            f"plugin {plugin.name} ({plugin.distribution} {plugin.version}): cannot be loaded: "
            f"{type(error).__name__} at {raised_at(error)}; repair or uninstall it, or set FTDATA_PLUGINS=none"
        ) from None


def raised_at(error: BaseException) -> str:
    """Say in which file and line an exception arose, without its message: messages quote values."""
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, SyntaxError) and error.filename:
        return f"{os.path.basename(error.filename)}:{error.lineno}"
    return f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else "an unknown line"


@cache
def builtin() -> tuple[Entry, ...]:
    """Give the built-in stages."""
    from ftdata import __version__

    return tuple(Entry(stage, "ftdata", __version__) for stage in _offered(_builtin(), "ftdata"))


def offered() -> tuple[list[Entry], list[PluginError]]:
    """Give the stages of all plugins, and the faults of those that could not be loaded or clash."""
    return _offered_by(tuple(plugins()))


@cache
def _offered_by(found: tuple[Plugin, ...]) -> tuple[list[Entry], list[PluginError]]:
    entries: list[Entry] = []
    faults: list[PluginError] = []
    taken = {(e.stage.kind, e.stage.name): e.origin for e in builtin()}
    for plugin in found:
        try:
            stages = _load(plugin)
        except PluginError as error:
            faults.append(error)
            continue
        for stage in stages:
            holder = taken.get((stage.kind, stage.name))
            if holder is not None:
                faults.append(
                    PluginError(
                        f"plugin {plugin.name}: its {stage.kind} {stage.name!r} clashes with that of {holder}; "
                        + ("built-in stages cannot be replaced" if holder == "ftdata" else "uninstall one of the two")
                    )
                )
                if holder != "ftdata":
                    entries = [e for e in entries if (e.stage.kind, e.stage.name) != (stage.kind, stage.name)]
                continue
            taken[stage.kind, stage.name] = plugin.name
            entries.append(Entry(stage, plugin.name, plugin.version))
    return entries, faults


def find(kinds: Iterable[str], name: str) -> Entry:
    """Find the stage of one of these kinds with this name: built-in ones first, plugins only if none fits.

    Raises `PluginError` if a plugin that might offer it cannot be loaded, `LookupError` with a suggestion otherwise.
    """
    kinds = tuple(kinds)
    for entry in builtin():
        if entry.stage.kind in kinds and entry.stage.name == name:
            return entry
    entries, faults = offered()
    hits = [entry for entry in entries if entry.stage.kind in kinds and entry.stage.name == name]
    if hits:
        return hits[0]
    for fault in faults:
        if f"{name!r}" in str(fault):
            raise fault
    known = sorted({e.stage.name for e in (*builtin(), *entries) if e.stage.kind in kinds})
    close = difflib.get_close_matches(name, known, 1)
    message = f"there is no {' or '.join(kinds)} {name!r}; " + (
        f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"
    )
    if faults:
        message += "".join(f"\n  note: {fault}" for fault in faults)
        raise PluginError(message)
    raise LookupError(message)

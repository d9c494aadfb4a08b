"""Isolated dispatch over pluggy: one plugin's crash, wrapper or wrong type never silences another, and never decides."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pluggy

from openclaw_vt.analysis.facts import Unread
from openclaw_vt.errors import ConfigError
from openclaw_vt.model.display import shown, shown_text
from openclaw_vt.model.finding import Finding
from openclaw_vt.model.permission import Endpoint
from openclaw_vt.model.subject import NotChecked
from openclaw_vt.model.verdict import CodeInsight, Evidence, Indicator
from openclaw_vt.plugin import spec
from openclaw_vt.plugin.shape import fits

ENTRY_POINTS = "openclaw_vt"
BUILTIN = "builtin"
MAX_ITEMS = 20_000
MAX_PARTS = 1000
MAX_TEXT = 400

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Collected:
    """What all plugins together answered to one hook: their items, and who failed."""

    items: tuple[Any, ...] = ()
    failed: tuple[NotChecked, ...] = field(default=())


class Hooks:
    """A typed face over one plugin manager."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(spec.PROJECT)
        self._manager.add_hookspecs(spec)

    def register(self, plugin: object, *, name: str) -> None:
        """Add a plugin. Raises ConfigError for one that is there already, has no hooks, unknown ones, or wraps any of them."""
        if self._manager.has_plugin(name) or any(plugin is known for _, known in self._manager.list_name_plugin()):
            raise ConfigError(f"The plugin {shown(name)} is registered already.")
        try:
            self._manager.register(plugin, name=name)
            self._manager.check_pending()
            self._refuse_unfit(plugin)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - pluggy compares and lists plugins, and a stranger's can raise anything
            if self._manager.has_plugin(name):
                self._manager.unregister(name=name)
            why = str(error) if isinstance(error, pluggy.PluginValidationError | _Unfit) else f"{type(error).__name__}."
            raise ConfigError(f"The plugin {shown(name)} does not fit the hooks.", why=shown_text(why, MAX_TEXT)) from None

    def _refuse_unfit(self, plugin: object) -> None:
        callers = self._manager.get_hookcallers(plugin)
        if not callers:
            # Silence would let an operator believe that a forgotten decorator guards them.
            raise _Unfit("It implements no hook.")
        for caller in callers:
            for impl in caller.get_hookimpls():
                if impl.plugin is plugin and (impl.hookwrapper or impl.wrapper):
                    # One wrapper could replace every other plugin's answer, so there are none.
                    raise _Unfit(f"It wraps {caller.name}, and hooks here cannot be wrapped.")

    def load(self, allowed: tuple[str, ...]) -> None:
        """Load the third-party plugins the operator named, and no other. Raises ConfigError if one is missing or unfit."""
        if not allowed:
            return
        from importlib.metadata import entry_points

        installed = tuple(entry_points(group=ENTRY_POINTS))
        for name in dict.fromkeys(allowed):
            found = [entry for entry in installed if entry.name == name]
            if not found:
                raise ConfigError(
                    f"The plugin {shown(name)} is allowed but not installed.",
                    remedy="Install it, or take it out of `[plugins] allow`.",
                )
            if name == BUILTIN or len({entry.value for entry in found}) > 1:
                # The operator allowed one plugin by this name, and nobody can say which.
                raise ConfigError(f"The plugin name {shown(name)} is taken by more than one.", remedy="Uninstall all but one.")
            try:
                plugin = found[0].load()
            except (Exception, SystemExit) as error:  # noqa: BLE001 - importing a stranger's code can raise anything; it must become an answer
                raise ConfigError(f"The plugin {shown(name)} cannot be loaded.", why=f"{type(error).__name__}.") from None
            self.register(plugin, name=name)

    def collect(self, hook: str, *kinds: type[Any], **arguments: Any) -> Collected:
        """Ask every plugin for items of these kinds; see `each`."""
        return joined(self.each(hook, *kinds, **arguments))

    def each(self, hook: str, *kinds: type[Any], **arguments: Any) -> Iterator[Collected]:
        """Yield each plugin's answer, the built-in's first. An exception or a wrong item becomes a gap named after the plugin.

        Items that came before the fault are kept: a plugin that breaks half-way has still seen what it saw.
        """
        for impl in self._impls(hook):
            items: list[Any] = []
            failed: tuple[NotChecked, ...] = ()
            try:
                answer = impl.function(*(arguments[name] for name in impl.argnames))
                for item in _listed(answer) if kinds else ():
                    items.append(_checked(item, kinds, impl.plugin_name, len(items)))
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - the promise of this class: no plugin stops another, whatever it raises
                log.warning("plugin %s failed in %s: %s", impl.plugin_name, hook, type(error).__name__)
                what = f"{hook} of the plugin {shown(impl.plugin_name)}"
                failed = (NotChecked(what, f"it failed ({shown_text(type(error).__name__, 80)})"),)
            yield Collected(tuple(items), failed)

    def notify(self, hook: str, **arguments: Any) -> tuple[NotChecked, ...]:
        """Tell every observer; what they return is ignored."""
        return self.collect(hook, **arguments).failed

    def _impls(self, hook: str) -> list[pluggy.HookImpl]:
        # Whatever order a plugin asks for, ours are asked first, so that none can use up their time.
        return sorted(getattr(self._manager.hook, hook).get_hookimpls(), key=lambda impl: impl.plugin_name != BUILTIN)


class _Unfit(Exception):  # noqa: N818 - what the plugin is
    """The plugin's hooks are not what hooks here must be."""


def joined(answers: Iterable[Collected]) -> Collected:
    """Return the answers as one."""
    known = tuple(answers)
    return Collected(
        tuple(item for answer in known for item in answer.items), tuple(gap for answer in known for gap in answer.failed)
    )


def _listed(answer: Any) -> Iterable[Any]:
    if answer is None:
        return ()
    return (answer,) if isinstance(answer, Evidence) else cast("Iterable[Any]", answer)


def _checked(item: Any, kinds: tuple[type[Any], ...], plugin: str, place: int) -> Any:
    """Return the item after a check of its type, a stranger's stamped with its name. Raises TypeError or ValueError."""
    if type(item) not in kinds:
        raise TypeError(f"an item is a {type(item).__name__}")
    if plugin == BUILTIN:
        return item
    if place >= MAX_ITEMS:
        raise ValueError("too many items")
    if not fits(item, type(item)):
        raise TypeError("a field is of another type than declared")
    return _stamped(item, plugin)


def _stamped(item: Any, plugin: str) -> Any:
    """Put the stranger's name on what it said, and make its words fit to be shown: it cannot speak as VirusTotal or as us."""
    match item:
        case Finding():
            return replace(
                item,
                source=plugin,
                suppressed=False,
                rule_id=shown_text(item.rule_id, 80),
                message=shown_text(item.message, MAX_TEXT),
                evidence=shown_text(item.evidence, MAX_TEXT),
                remediation=shown_text(item.remediation, MAX_TEXT),
            )
        case Evidence():
            return replace(
                item,
                service=f"plugin:{plugin}",
                permalink=None,
                responses=(),
                code_insight=tuple(CodeInsight(_word(i.source), _word(i.verdict)) for i in item.code_insight[:MAX_PARTS]),
                indicators=tuple(_indicator(i) for i in item.indicators[:MAX_PARTS]),
                not_checked=tuple(_gap(gap) for gap in item.not_checked[:MAX_PARTS]),
            )
        case Unread():
            return Unread(_gap(item.gap))
        case Endpoint():
            return replace(item, kind=_word(item.kind), value=shown_text(item.value, MAX_TEXT))
        case _:
            return item


def _word(text: str) -> str:
    return shown_text(text, 40)


def _gap(gap: NotChecked) -> NotChecked:
    return NotChecked(shown_text(gap.what, MAX_TEXT), shown_text(gap.why, MAX_TEXT))


def _indicator(item: Indicator) -> Indicator:
    return replace(item, kind=_word(item.kind), value=shown_text(item.value, MAX_TEXT))

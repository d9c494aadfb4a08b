"""SKILL.md's frontmatter, read strictly: whatever shows two readers two things is refused.

That is duplicate keys, merge keys, aliases and tags. Every value stays the text that was written: YAML 1.1 would read a version
of 1.10 as 1.1, and `no` as false.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from openclaw_vt.model import strict_json
from openclaw_vt.model.display import shown_text
from openclaw_vt.model.subject import NotChecked, Snapshot

if TYPE_CHECKING:
    import yaml

MAX_FRONTMATTER_BYTES = 64 * 1024
MAX_NAME = 80
MAX_DESCRIPTION = 1024
SKILL_FILE = "SKILL.md"
# Signs that mean something in YAML and nothing to a reader of lines: with them, two readers would see two things.
_PLAIN_LINE = re.compile(r"([A-Za-z][\w-]{0,63}):[ \t]+([^\s\"'\[>|&*!%@`#?\x00-\x1f][^\x00-\x1f\x7f]*)")
_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a skill says about itself: all of it claims. Texts are capped and free of control characters."""

    name: str | None = None
    description: str = ""
    version: str | None = None
    bins: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    problems: tuple[NotChecked, ...] = ()


def read_manifest(snapshot: Snapshot) -> Manifest:
    """Return the manifest of a snapshot; what cannot be read is named in `problems`, and nothing raises."""
    entry = snapshot.find(SKILL_FILE)
    if entry is None or entry.kind != "file":
        return Manifest(problems=(NotChecked(SKILL_FILE, "there is none at the top of the folder"),))
    if entry.data is None:
        return Manifest(problems=(NotChecked(SKILL_FILE, "it is too large to read"),))
    try:
        return _manifest(_frontmatter(entry.data))
    except ValueError as error:
        return Manifest(problems=(NotChecked(f"the frontmatter of {SKILL_FILE}", shown_text(str(error), 160)),))


def split_frontmatter(text: str) -> tuple[str, str, int]:
    """Return frontmatter, body and the body's first line number (from 1). No frontmatter gives an empty first part.

    Line ends must be single line feeds already; see `unified`.
    """
    lines = text.split("\n")
    if lines and lines[0].lstrip("\ufeff").rstrip() == "---":
        for number, line in enumerate(lines[1:], start=1):
            if line.rstrip() == "---":
                return "\n".join(lines[1:number]), "\n".join(lines[number + 1 :]), number + 2
    return "", text, 1


def unified(text: str) -> str:
    """Return the text with every kind of line end as a line feed: interpreters take all three, so a reader must too."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _frontmatter(data: bytes) -> dict[str, Any]:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    front, _, _ = split_frontmatter(unified(text))
    if len(front.encode()) > MAX_FRONTMATTER_BYTES:
        raise ValueError(f"it is larger than {MAX_FRONTMATTER_BYTES} bytes")
    return _strict_yaml(front) if front.strip() else {}


def _plain_lines(front: str) -> dict[str, Any]:
    """Return frontmatter that is nothing but `key: words` lines, a key once each; empty when it is anything more.

    Many skills are written so and are no YAML, because a description holds ": ". OpenClaw reads those too, line by line.
    """
    pairs = [_PLAIN_LINE.fullmatch(line) for line in front.split("\n") if line.strip()]
    fields = {match[1]: match[2] for match in pairs if match}
    return fields if len(fields) == len(pairs) else {}


def _strict_loader() -> type[yaml.BaseLoader]:
    import yaml

    class Loader(yaml.BaseLoader):
        """YAML's collections and texts: no types, no aliases, no tags, no merge keys, no duplicate keys."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            event: Any = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs leave it untyped
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
                raise ValueError("it uses YAML anchors or aliases")
            tag = getattr(event, "tag", None)
            if tag is not None and tag != "!":
                raise ValueError("it uses YAML tags")
            return super().compose_node(parent, index)

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - PyYAML's own signature
            mapping = super().construct_mapping(node, deep)
            if len(mapping) != len(node.value):
                raise ValueError("a key stands twice")
            if "<<" in mapping:
                raise ValueError("it uses YAML merge keys")
            return mapping

    return Loader


def _strict_yaml(text: str) -> dict[str, Any]:
    import yaml

    try:
        value = yaml.load(text, Loader=_strict_loader())  # noqa: S506 - a narrowed BaseLoader, which makes texts and nothing else
    except RecursionError:
        raise ValueError("it nests too deeply") from None
    except yaml.YAMLError as error:
        if plain := _plain_lines(text):
            return plain
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
        raise ValueError(f"it is not valid YAML: {problem}") from None
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise ValueError("it is no list of keys and values")
    return value


def _manifest(fields: dict[str, Any]) -> Manifest:
    metadata = _mapping(fields.get("metadata"))
    openclaw = _mapping(metadata.get("openclaw"))
    requires = _mapping(openclaw.get("requires"))
    return Manifest(
        name=_text(fields.get("name"), MAX_NAME),
        description=_text(fields.get("description"), MAX_DESCRIPTION) or "",
        version=_text(fields.get("version"), MAX_NAME),
        bins=(*_words(requires.get("bins")), *_words(requires.get("anyBins"))),
        env=_words(requires.get("env")),
    )


def _text(value: Any, limit: int) -> str | None:
    """Return a scalar fit to be shown; None for YAML's ways to say nothing, and for text that is nothing but hidden."""
    if not isinstance(value, str) or value in _NOTHING:
        return None
    return shown_text(value, limit) or None


def _mapping(value: Any) -> dict[str, Any]:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = strict_json.loads(value.encode(), max_bytes=MAX_FRONTMATTER_BYTES)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def _words(value: Any) -> tuple[str, ...]:
    return tuple(shown_text(item, MAX_NAME) for item in value if isinstance(item, str)) if isinstance(value, list) else ()

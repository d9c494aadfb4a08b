"""Every English sentence that the code hands to the translation, found in the source itself. Run it to write the template:

    PYTHONPATH=. python tests/support/sentences.py openclaw_vt/locale/openclaw_vt.pot

A sentence with a moving part (a path, an error's own words) cannot be looked up and stays English; it is not collected.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import openclaw_vt

PACKAGE = Path(openclaw_vt.__file__).parent
# All of what these say in whole sentences is for a person: reasons, remedies, findings.
SPEAKING = (
    "policy",
    "answers",
    "ledger",
    "reporting",
    "recognition",
    "install_policy",
    "install_protocol",
    "updates",
    "analysis.rules",
    "daemon.words",
)
# These errors become the reason of a decision; the sentence itself names a path, the remedy is the same for everybody.
REMEDIES = ("skill.",)


def sentences() -> dict[str, list[str]]:
    """Return each sentence with the modules that say it."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
        tree = ast.parse(path.read_text(encoding="utf-8"))
        texts = set(_translated(tree))
        if name.startswith(SPEAKING):
            texts |= set(_said(tree, vars(import_module(f"openclaw_vt.{name}"))))
        if name.startswith(REMEDIES):
            texts |= set(_remedies(tree))
        for text in texts:
            found[text].append(path.relative_to(PACKAGE.parent).as_posix())
    return dict(found)


def _translated(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) == "translate" and node.args:
            argument = node.args[0]
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value


def _said(tree: ast.AST, names: dict[str, object]) -> Iterator[str]:
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    pieces = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if id(node) in docstrings | pieces:
            continue
        text = _text(node, names)
        if text and text[0].isupper() and text[-1] in ".?" and " " in text:
            yield text


def _remedies(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) == "SkillUnreadable":
            for keyword in node.keywords:
                if keyword.arg == "remedy" and isinstance(keyword.value, ast.Constant):
                    yield keyword.value.value


def _text(node: ast.AST, names: dict[str, object]) -> str | None:
    """Return a literal's text; of an f-string only when everything in it is a constant of the module."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if not isinstance(node, ast.JoinedStr):
        return None
    parts = [_text(part, names) if isinstance(part, ast.Constant) else _constant(part, names) for part in node.values]
    return None if None in parts else "".join(part for part in parts if part)


def _constant(part: ast.expr, names: dict[str, object]) -> str | None:
    inner = part.value if isinstance(part, ast.FormattedValue) else None
    value = names.get(inner.id) if isinstance(inner, ast.Name) else None
    return value if isinstance(value, str) else None


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def main(target: Path) -> None:
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import write_po

    # No date of today, so that the same sentences give the same file.
    template = Catalog(
        project="openclaw-vt",
        version=openclaw_vt.__version__,
        copyright_holder="The openclaw-vt authors",
        header_comment="# The sentences of openclaw-vt that people read in their own language. See CONTRIBUTING.md.",
        msgid_bugs_address="see CONTRIBUTING.md",
        creation_date=datetime(2026, 1, 1, tzinfo=UTC),
    )
    for text, places in sorted(sentences().items(), key=lambda item: (item[1], item[0])):
        template.add(text, locations=[(place, None) for place in places])
    with target.open("wb") as stream:
        write_po(stream, template, width=120)
    print(f"{len(template)} sentences in {target}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""The language of what people read at a prompt: gettext catalogues beside this file, English as the source."""

from __future__ import annotations

import gettext
import re
from collections.abc import Callable, Mapping
from pathlib import Path

Translate = Callable[[str], str]
DOMAIN = "openclaw_vt"
LOCALES = Path(__file__).parent / "locale"
LANGUAGES = ("en", "ja")


def resolve(setting: str, environ: Mapping[str, str]) -> str:
    """Return "en" or "ja": the setting, or for "auto" what LC_ALL, LC_MESSAGES and LANG ask for, in POSIX's order."""
    if setting in LANGUAGES:
        return setting
    asked = next((environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), "")
    return "ja" if re.split(r"[_.@]", asked, maxsplit=1)[0].lower() == "ja" else "en"


def translator(language: str) -> Translate:
    """Return the function that turns an English sentence into the person's language; unknown sentences stay English."""
    if language == "en":
        return lambda text: text
    translation = gettext.translation(DOMAIN, LOCALES, [language], fallback=True)
    return lambda text: translation.gettext(text) if text else text

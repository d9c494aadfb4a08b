"""What kind of skill this is, and how much could go wrong with one of its kind: blast radius, not honesty."""

from __future__ import annotations

import re
from dataclasses import dataclass

from openclaw_vt.analysis.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Category:
    """A row of the risk matrix: its checks are what a careful person does before trusting a skill of this kind."""

    name: str
    risk: str
    required_checks: tuple[str, ...]
    words: re.Pattern[str]


def _words(*stems: str) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(stems) + r")\w*\b", re.IGNORECASE)


# In order of blast radius: a skill that fits several rows belongs to the first.
CATEGORIES: tuple[Category, ...] = (
    Category(
        "shell",
        "critical",
        ("publisher's track record", "every line read"),
        _words("shell", "terminal", "tmux", "ssh", "sudo", "command line"),
    ),
    Category(
        "messaging",
        "high",
        ("recipient limits", "rate limits"),
        _words("email", "e-mail", "mail", "sms", "slack", "discord", "telegram", "whatsapp", "imessage", "chat message"),
    ),
    Category(
        "filesystem",
        "high",
        ("full code review", "dry run"),
        _words("file", "folder", "director", "backup", "disk", "obsidian", "pdf"),
    ),
    Category(
        "calendar-tasks",
        "medium",
        ("OAuth scopes", "code review"),
        _words("calendar", "todo", "to-do", "task", "reminder", "meeting", "schedule"),
    ),
    Category("weather-news", "low", ("badge",), _words("weather", "forecast", "news", "headline", "rss")),
)
UNCATEGORISED = Category("uncategorised", "medium", ("code review",), re.compile(r"(?!)"))


def categorise(manifest: Manifest) -> Category:
    """Return the row of the matrix that the skill's own description fits."""
    text = f"{manifest.name or ''} {manifest.description}"
    return next((category for category in CATEGORIES if category.words.search(text)), UNCATEGORISED)

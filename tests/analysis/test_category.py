"""The risk matrix: what kind of skill, how much could go wrong, and what a careful person checks."""

from __future__ import annotations

import pytest

from openclaw_vt.analysis.category import CATEGORIES, UNCATEGORISED, categorise
from openclaw_vt.analysis.manifest import Manifest

ORDER = ("low", "medium", "high", "critical")


@pytest.mark.parametrize(
    ("name", "risk", "checks"),
    [
        ("weather-news", "low", ("badge",)),
        ("calendar-tasks", "medium", ("OAuth scopes", "code review")),
        ("filesystem", "high", ("full code review", "dry run")),
        ("shell", "critical", ("publisher's track record", "every line read")),
        ("messaging", "high", ("recipient limits", "rate limits")),
    ],
)
def test_the_matrix_of_the_product(name, risk, checks):
    (row,) = [category for category in CATEGORIES if category.name == name]
    assert (row.risk, row.required_checks) == (risk, checks)


@pytest.mark.parametrize(
    ("description", "name"),
    [
        ("Get the weather forecast for a city.", "weather-news"),
        ("Reads RSS headlines.", "weather-news"),
        ("Adds events to your calendar.", "calendar-tasks"),
        ("Manages to-do lists and reminders.", "calendar-tasks"),
        ("Organises files in a folder.", "filesystem"),
        ("Searches directories.", "filesystem"),
        ("Sends Slack messages.", "messaging"),
        ("Reads your e-mail.", "messaging"),
        ("Runs commands in a terminal.", "shell"),
        ("Controls tmux sessions.", "shell"),
        ("Does something.", "uncategorised"),
        ("", "uncategorised"),
        ("A profile of a metaphor about seashells.", "uncategorised"),
    ],
)
def test_a_description_finds_its_row(description, name):
    assert categorise(Manifest(description=description)).name == name


def test_a_skill_that_fits_several_rows_belongs_to_the_most_dangerous():
    assert categorise(Manifest(description="Mails the weather forecast from a terminal.")).name == "shell"
    assert categorise(Manifest(name="weather", description="Mails you the forecast.")).name == "messaging"


def test_rows_stand_in_order_of_blast_radius():
    risks = [ORDER.index(category.risk) for category in CATEGORIES]
    assert risks == sorted(risks, reverse=True)
    assert UNCATEGORISED.risk == "medium"

"""Which language a person is asked in, and that an untranslated sentence is English and never empty."""

from __future__ import annotations

import pytest

from openclaw_vt.language import LANGUAGES, resolve, translator


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "C"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "ja_JP.UTF-8"}, "ja"),
        ({"LANG": "ja"}, "ja"),
        ({"LANG": "JA.utf8"}, "ja"),
        ({"LANG": "ja@osaka"}, "ja"),
        ({"LANG": "jav_ID.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "ja_JP.UTF-8"}, "ja"),
        ({"LANG": "ja_JP.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "ja_JP.UTF-8", "LC_ALL": ""}, "ja"),
        ({"LANG": "\x1b[2J"}, "en"),
    ],
)
def test_auto_follows_the_locale_in_posix_order(environ, language):
    assert resolve("auto", environ) == language


@pytest.mark.parametrize("setting", LANGUAGES)
def test_a_setting_beats_the_locale(setting):
    assert resolve(setting, {"LC_ALL": "ja_JP.UTF-8"}) == setting


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_unknown_sentence_stays_as_it_is_and_nothing_stays_nothing(language):
    translate = translator(language)
    assert translate("No catalogue holds this sentence.") == "No catalogue holds this sentence."
    assert translate("") == ""

"""The plugin and this program look for skills in the same places: both are held to one list of cases."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from openclaw_vt.openclaw.folders import skill_roots

VECTORS = Path(__file__).parents[2] / "hooks" / "openclaw" / "test" / "roots.vectors.json"


@pytest.mark.skipif(os.name != "posix", reason="the cases name POSIX paths")
@pytest.mark.parametrize("case", json.loads(VECTORS.read_text(encoding="utf-8")), ids=lambda case: case["name"])
def test_both_programs_look_in_the_same_places(case: dict[str, Any]) -> None:
    package = Path(case["packageDir"]) if case["packageDir"] else None
    roots = skill_roots(Path(case["stateDir"]), case["config"], home=Path(case["home"]), env=case["env"], package=package)
    assert [[root.kind, str(root.path)] for root in roots] == case["roots"]

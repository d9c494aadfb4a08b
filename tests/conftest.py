"""What holds for every test: properties are judged by what they find, never by how long a busy machine takes to look."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

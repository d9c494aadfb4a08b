"""What a skill may touch, and the profile of one judged skill that an update is compared with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Permission:
    """One resource the skill reaches. `declared` says whether its manifest admits it."""

    resource: str
    access: str
    target: str
    declared: bool = False
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address in the skill's files. `kind` is url, domain or ip."""

    kind: str
    value: str
    file: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """What is kept of a judged skill in its signed record, so that an update can be compared.

    `files` maps path to SHA-256, `findings` are fingerprints.
    """

    files: tuple[tuple[str, str], ...] = ()
    permissions: tuple[Permission, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    findings: tuple[str, ...] = ()

"""The questions that OpenClaw 2026.9.6 asks its install policy: one builder for each kind of install, update and probe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PROBE = "doctor:install-policy-probe"


def question(path: Path | str, **changes: Any) -> dict[str, Any]:
    """A skill from a local folder. A change of None takes the field away."""
    body: dict[str, Any] = {
        "protocolVersion": 1,
        "openclawVersion": "2026.9.6",
        "targetName": Path(path).name,
        "targetType": "skill",
        "sourcePath": str(path),
        "sourcePathKind": "directory",
        "source": {"kind": "local-path", "authority": "user", "mutable": True, "network": False},
        "origin": {"type": "path", "spec": f"./{Path(path).name}"},
        "request": {"kind": "skill-install", "mode": "install", "requestedSpecifier": f"./{Path(path).name}"},
        "skill": {"installId": "path"},
    }
    return {name: value for name, value in (body | changes).items() if value is not None}


def _source(kind: str, authority: str, *, mutable: bool, network: bool) -> dict[str, Any]:
    return {"kind": kind, "authority": authority, "mutable": mutable, "network": network}


def _request(kind: str, specifier: str, mode: str = "install") -> dict[str, Any]:
    return {"kind": kind, "mode": mode, "requestedSpecifier": specifier}


def clawhub(path: Path, *, mode: str = "install", owner: str | None = "acme", version: str = "1.0.0") -> dict[str, Any]:
    """`skills install`, `skills update` (also of what is current already) and `--global`, from a registry."""
    origin = {"type": "clawhub", "registry": "http://127.0.0.1:9", "slug": path.name, "ownerHandle": owner, "version": version}
    name = f"@{owner}/{path.name}" if owner else path.name
    return question(
        path,
        source=_source("clawhub", "third-party", mutable=False, network=True),
        origin={key: value for key, value in origin.items() if value is not None},
        request=_request("skill-install", f"clawhub:{name}@{version}", mode),
        skill={"installId": "clawhub"},
    )


def git(path: Path) -> dict[str, Any]:
    spec = f"git:file:///srv/{path.name}"
    return question(
        path,
        source=_source("git", "third-party", mutable=True, network=True),
        origin={"type": "git", "spec": spec, "commit": "92b852d16a36d5b01e5b984ded4e9f79adac3b7f"},
        request=_request("skill-install", spec),
        skill={"installId": "git"},
    )


def upload(path: Path, sha256: str = "0" * 64) -> dict[str, Any]:
    identifier = "ab3a0386-9009-4811-a16e-04101db76909"
    return question(
        path,
        source=_source("upload", "user", mutable=False, network=False),
        origin={"type": "upload", "uploadId": identifier, "sha256": sha256},
        request=_request("skill-install", f"upload:{identifier}"),
        skill={"installId": "upload"},
    )


def dependency(path: Path) -> dict[str, Any]:
    """A skill that is installed wants a package: OpenClaw asks about the skill, in its own folder."""
    spec = {"id": "node", "kind": "node", "label": "Install left-pad", "bins": ["left-pad"], "package": "left-pad"}
    return question(
        path,
        source=_source("workspace", "user", mutable=True, network=False),
        origin={"type": "openclaw-workspace", "skillName": path.name, "installId": "node"},
        request=_request("skill-install", f"{path.name}:node"),
        skill={"installId": "node", "installSpec": spec},
    )


def probe(path: Path) -> dict[str, Any]:
    """`openclaw doctor --deep`, about an empty folder."""
    return question(
        path,
        targetName="doctor-install-policy-probe",
        source=None,
        origin={"type": "doctor"},
        request=_request("skill-install", PROBE),
        skill=None,
    )


def plugin(
    path: Path,
    origin: str,
    *,
    kind: str = "plugin-dir",
    authority: str = "user",
    content: str = "package",
    mode: str = "install",
    file: bool = False,
) -> dict[str, Any]:
    """One of the up to three questions about a plugin. `origin` is its type: plugin-package, plugin-npm, plugin-git, ..."""
    return question(
        path,
        targetType="plugin",
        sourcePathKind="file" if file else "directory",
        source=_source("local-path", authority, mutable=True, network=False),
        origin={"type": origin, "packageName": path.name, "version": "0.0.2"},
        request=_request(kind, str(path), mode),
        skill=None,
        plugin={"contentType": content, "pluginId": path.name, "manifestId": path.name},
    )


def raw(body: Any) -> bytes:
    """The bytes that OpenClaw sends."""
    return json.dumps(body).encode()


def notice_length(answer: dict[str, Any], target: str = "x" * 64) -> int:
    """Count what OpenClaw would show, as it counts: UTF-16 units of heading, reason, findings and its own advice."""
    lines = ["Install requires approval", "", f"  Skill: {target}", f"  Reason: {answer['reason']}"]
    if answer.get("findings"):
        lines.append("  Findings:")
        for finding in answer["findings"]:
            place = f" ({finding['file']}{':' + str(finding['line']) if 'line' in finding else ''})" if "file" in finding else ""
            evidence = f" Evidence: {finding['evidence']}" if "evidence" in finding else ""
            lines.append(f"    \u2022 [{finding['severity'].upper()}] {finding['ruleId']}: {finding['message']}{place}{evidence}")
    text = "\n".join(lines) + "x" * 480
    return len(text.encode("utf-16-le")) // 2

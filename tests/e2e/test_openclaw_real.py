"""OpenClaw itself, from npm: what we rely on is tried on the real thing."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import pytest
from support.openclaw_host import OPENCLAW_VERSION, finish
from support.openclaw_policy import REASON

from openclaw_vt.openclaw import json5
from openclaw_vt.openclaw.folders import config_path, read_config, skill_roots, state_dir
from openclaw_vt.openclaw.installed import find_package, installed_skills
from openclaw_vt.openclaw.launcher import check_launcher
from openclaw_vt.openclaw.wiring import install_policy_block, is_wired, unwire, wire
from openclaw_vt.skill.records import CLAWHUB_ORIGIN, SOURCE_ORIGIN, parse_clawhub_origin, parse_source_origin, read_origin

pytestmark = pytest.mark.openclaw

COMMENTED = """\
// my assistant
{
    gateway: { port: 18789 }, // the usual one
    agents: { defaults: { workspace: '${OPENCLAW_STATE_DIR}/workspace' } },
}
"""


def manifest(name: str, body: str = "Say hello.") -> bytes:
    return f"---\nname: {name}\ndescription: A skill for a test.\n---\n\n{body}\n".encode()


def source(folder: Path, name: str) -> Path:
    skill = folder / f"source of {name}"
    skill.mkdir()
    (skill / "SKILL.md").write_bytes(manifest(name))
    return skill


def test_this_is_the_openclaw_that_our_rules_were_read_from(host):
    assert OPENCLAW_VERSION in host.run("--version").stdout


def test_allow_installs_and_leaves_a_record_that_we_accept(host, policy, tmp_path):
    result = host.run("skills", "install", str(source(tmp_path, "allowed")))
    assert result.code == 0, result.text
    raw = (host.skill("allowed") / SOURCE_ORIGIN).read_bytes()
    assert parse_source_origin(raw) == read_origin(host.skill("allowed"))
    (call,) = policy.calls()
    assert call.source == tmp_path / "source of allowed"
    assert {"HOME", "LANG", "OPENCLAW_CLI"} <= set(call.environment)
    assert "PATH" not in call.environment
    assert (call.request["request"]["mode"], call.request["origin"]["type"]) == ("install", "path")


def test_block_installs_nothing_and_no_flag_overrides_it(host, policy, tmp_path):
    policy.answer("block")
    result = host.run("skills", "install", str(source(tmp_path, "blocked")), "--force", "--acknowledge-install-policy-warning")
    assert result.code == 1
    assert REASON in result.text
    assert not host.skill("blocked").exists()


def test_warn_without_a_terminal_installs_nothing(host, policy, tmp_path):
    policy.answer("warn")
    result = host.run("skills", "install", str(source(tmp_path, "warned")))
    assert result.code == 1
    assert "requires approval" in result.text
    assert not host.skill("warned").exists()
    assert len(policy.calls()) == 1


def test_warn_on_a_terminal_asks_for_the_name_and_the_policy_twice(host, policy, tmp_path):
    policy.answer("warn")
    child = host.pty("skills", "install", str(source(tmp_path, "asked")))
    child.expect_exact("type: 'asked' to install anyway")
    child.sendline("asked")
    result = finish(child)
    assert result.code == 0, result.text
    assert host.skill("asked").is_dir()
    first, second = policy.calls()
    assert first == second


def test_another_word_on_the_terminal_installs_nothing(host, policy, tmp_path):
    policy.answer("warn")
    child = host.pty("skills", "install", str(source(tmp_path, "refused")))
    child.expect_exact("type: 'refused' to install anyway")
    child.sendline("yes")
    assert finish(child).code == 1
    assert not host.skill("refused").exists()


def test_a_clawhub_skill_is_installed_updated_and_a_blocked_update_leaves_the_old_one(host, hub, policy):
    hub.shelf.publish("hello", "1.0.0", {"SKILL.md": manifest("hello")})
    result = host.run("skills", "install", "@acme/hello")
    assert result.code == 0, result.text
    origin = parse_clawhub_origin((host.skill("hello") / CLAWHUB_ORIGIN).read_bytes())
    assert (origin.slug, origin.publisher, origin.version, origin.registry) == ("hello", "acme", "1.0.0", hub.url)
    assert origin.archive_sha256 == hashlib.sha256(hub.shelf.archive("hello", "1.0.0")).hexdigest()

    hub.shelf.publish("hello", "1.1.0", {"SKILL.md": manifest("hello", "Say hello twice.")})
    policy.answer("block")
    assert host.run("skills", "update", "hello").code == 1
    assert (host.skill("hello") / "SKILL.md").read_bytes() == manifest("hello")
    policy.answer("warn")
    result = host.run("skills", "update", "--all", "--acknowledge-install-policy-warning")
    assert result.code == 0, result.text
    assert {call.request["request"]["mode"] for call in policy.calls()} == {"update"}
    assert len({(call.parent, call.source) for call in policy.calls()}) == 1
    assert read_origin(host.skill("hello")).version == "1.1.0"
    assert b"twice" in (host.skill("hello") / "SKILL.md").read_bytes()


def test_a_commented_configuration_keeps_its_comments_and_asks_us(host, tmp_path):
    host.config.write_text(COMMENTED, encoding="utf-8")
    launcher = tmp_path / "policy-program"
    wire(host.config, install_policy_block(launcher, pass_env=("HOME",)), backup=tmp_path / "ours")
    wired = host.config.read_bytes()
    assert host.run("config", "validate").code == 0
    shown = host.run("config", "get", "security.installPolicy.exec.command")
    assert shown.stdout.strip() == str(launcher)
    assert host.config.read_bytes() == wired
    assert is_wired(read_config(host.config, env=host.env()), launcher)

    # OpenClaw's own writer drops the comments and adds what it likes; our entry still comes out alone.
    assert host.run("config", "set", "gateway.port", "18790").code == 0
    unwire(host.config, backup=tmp_path / "ours")
    left = json5.loads(host.config.read_text(encoding="utf-8"))
    assert "security" not in left
    assert left["gateway"] == {"port": 18790}
    assert host.run("config", "validate").code == 0
    host.config.unlink()


@pytest.mark.parametrize("mode", [0o700, 0o770])
def test_we_and_openclaw_agree_on_which_program_may_be_started(host, policy, tmp_path, mode):
    policy.program.parent.chmod(mode)
    result = host.run("skills", "install", str(source(tmp_path, f"mode-{mode:o}")))
    assert (result.code == 0) == (check_launcher(policy.program) == []), result.text
    assert ("permissions are too open" in result.text) == (mode == 0o770)


def test_we_find_every_skill_that_openclaw_lists(host, tmp_path):
    for place in (
        "workspace/skills/group/nested",
        "skills/managed",
        "agents/main/agent/workshop-skills/made",
        "workspace/.agents/skills/project",
    ):
        folder = host.state / place
        folder.mkdir(parents=True)
        (folder / "SKILL.md").write_bytes(manifest(folder.name))
    listed = json.loads(host.run("skills", "list", "--json").stdout)
    env = host.env()
    config = read_config(config_path(env, host.home), env=env)
    package = find_package(host.tools.openclaw)
    roots = skill_roots(state_dir(env, host.home), config, home=host.home, env=env, package=package)
    found = {Path(skill.ref.path).name for skill in installed_skills(roots).skills}
    assert {"nested", "managed", "made", "project"} <= {skill["name"] for skill in listed["skills"]}
    assert {skill["name"] for skill in listed["skills"]} <= found


def test_our_reader_of_json5_agrees_with_openclaws_own(tools):
    texts = [
        COMMENTED,
        "{ a: 1, a: 2, 'b': [.5, 5., 0xAf, -Infinity, +1e3,], }",
        "{ $x_1: 'it\\'s \\x41\\u0042\\\nnext', \\u0061b: \"\\v\\0\" }",
        "\ufeff/* x */ [ null, true, ] // end",
        "{ ключ: 1, ünï: 2 }",
        "[012]", "{ a: 1 b: 2 }", "{ a b: 1 }", "[1,,2]", "'a\nb'", "{ 1a: 1 }", "[01.5]", "'\\1'", "{} {}",
    ]  # fmt: skip
    script = (
        "const J=require('json5');const show=v=>JSON.stringify(v,(k,x)=>Number.isFinite(x)||typeof x!=='number'?x:String(x));"
        "console.log(JSON.stringify(JSON.parse(require('fs').readFileSync(0,'utf8'))"
        ".map(t=>{try{return show(J.parse(t))}catch{return null}})))"
    )
    package = find_package(tools.openclaw)
    done = subprocess.run(
        [str(tools.node), "-e", script],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        cwd=package,
        timeout=60,
        check=True,
    )
    for text, theirs in zip(texts, json.loads(done.stdout), strict=True):
        if theirs is None:
            with pytest.raises(ValueError, match="line"):
                json5.parse(text)
        else:
            ours = json.loads(json.dumps(json5.parse(text).value), parse_constant=str)
            assert ours == json.loads(theirs)

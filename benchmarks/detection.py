"""How much does local analysis find, how often is it wrong, and what does it cost? Skills of your own, nothing of them is run.

A folder that is named stands for every folder with a SKILL.md below it, outermost. Folders between it and a skill are families;
`--family` takes them from the names instead. Recall is the share of malicious skills that are flagged, false alarms the share of
benign ones. "Incomplete" means that the tool itself says it did not see everything. No answer counts as not flagged.

`--half` splits by digest: write rules against one half, look at the other only to check. Peers are installed at first need.

    python benchmarks/detection.py --malicious DIR... --benign DIR... [--peer guarddog] [--half A] [--show missed] [--json FILE]
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from detection.answer import Answer
from detection.local import NAME, Local
from detection.peers import PEERS, Missing, install, judged
from detection.skills import Skill, labels, survey
from detection.table import Results, document, rows, text

from openclaw_vt.model.display import shown, shown_text


def main() -> None:
    options = parsed()
    results: dict[str, Results] = {NAME: []}
    with Local(limit_s=options.limit) as local:
        for skill in progress(NAME, list(wanted(options))):
            answer = local.judge(skill.path, options.half)
            if answer is not None:
                results[NAME].append((skill, answer))
    skills = [skill for skill, _ in results[NAME]]
    notes = list(add_peers(results, skills, options.peer, options.limit))
    apart = frozenset(options.apart)
    tables = {"malicious": list(rows(results, "malicious", apart)), "benign": list(rows(results, "benign", apart))}
    titles = {"malicious": "recall", "benign": "false alarms"}
    print("\n\n".join(text(found, titles[kind]) for kind, found in tables.items() if found))
    print("\n" + "\n".join([f"{NAME}: local analysis alone, offline, no cache; half {options.half or 'A and B'}", *notes]))
    for what in options.show or ():
        show(what, results)
    if options.json:
        told = document([row for found in tables.values() for row in found], results)
        Path(options.json).write_text(json.dumps({"half": options.half, "notes": notes, **told}, indent=1), "utf-8")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--malicious", nargs="+", action="extend", default=[], metavar="DIR")
    parser.add_argument("--benign", nargs="+", action="extend", default=[], metavar="DIR")
    parser.add_argument("--peer", action="append", choices=sorted(PEERS), default=[], help="may be given more than once")
    parser.add_argument("--half", choices=("A", "B"), help="only the skills of this half")
    parser.add_argument(
        "--family", type=re.compile, metavar="REGEX", help="what its first group finds in a skill's path is its family"
    )
    parser.add_argument(
        "--apart", action="append", default=[], metavar="NAME", help="leave the folder of this name out of the totals"
    )
    parser.add_argument("--show", action="append", choices=("missed", "false"), help="list the skills that were judged wrongly")
    parser.add_argument(
        "--limit", type=float, default=30.0, metavar="SECONDS", help="for one skill; then there is no answer (30)"
    )
    parser.add_argument("--json", metavar="FILE", help="also write every answer")
    options = parser.parse_args()
    if not options.malicious and not options.benign:
        parser.error("name folders: --malicious DIR... or --benign DIR...")
    return options


def wanted(options: argparse.Namespace) -> Iterator[Skill]:
    """Yield the skills below the folders; say what holds none."""
    for kind in ("malicious", "benign"):
        for given, label in labels(list(dict.fromkeys(getattr(options, kind)))).items():
            if not Path(given).is_dir():
                raise SystemExit(f"{shown(given)} is no folder.")
            folder = survey(kind, given, label, options.family)
            if folder.without:
                names = ", ".join(shown(name, limit=40) for name in folder.without[:5])
                print(f"{shown(given)}: no SKILL.md in {len(folder.without)} of its names: {names}", file=sys.stderr)
            yield from folder.skills


def add_peers(results: dict[str, Results], skills: list[Skill], names: Iterable[str], limit_s: float) -> Iterator[str]:
    """Let the peers judge the same skills; yield a line about each for the footer."""
    for name in dict.fromkeys(names):
        peer = PEERS[name]
        try:
            program = install(peer)
        except Missing as error:
            yield f"{name}: left out, because it cannot be installed: {shown_text(str(error), 200)}"
            continue
        # Folder by folder: a run that spans two would mix their times.
        folders = [list(some) for _, some in itertools.groupby(skills, lambda skill: (skill.kind, skill.folder))]
        answers = (judged(peer, program, [skill.path for skill in some], limit_s=limit_s) for some in folders)
        results[name] = list(zip(progress(name, skills), itertools.chain.from_iterable(answers), strict=True))
        yield f"{name} {peer.version}: {peer.mapping}"


def progress(name: str, skills: list[Skill]) -> Iterator[Skill]:
    """Yield the skills and count them on a terminal."""
    for number, skill in enumerate(skills, start=1):
        if sys.stderr.isatty():
            print(f"\r{name}: {number}/{len(skills)} ", end="", file=sys.stderr, flush=True)
        yield skill
    if sys.stderr.isatty():
        print(file=sys.stderr)


def show(what: str, results: dict[str, Results]) -> None:
    """Print what was missed, or flagged though benign, each with what its tool says about it."""
    for tool, some in results.items():
        kind, flagged = ("malicious", False) if what == "missed" else ("benign", True)
        listed = [(skill, answer) for skill, answer in some if skill.kind == kind and answer.flagged is flagged]
        print(f"\n{tool}, {what}: {len(listed)}")
        for skill, answer in listed:
            print(f"  {shown(skill.path, limit=300)}  {about(answer)}")


def about(answer: Answer) -> str:
    words = [answer.level if answer.complete is not False else f"{answer.level}, incomplete"]
    if answer.problem:
        words.append(shown_text(answer.problem, 200))
    if answer.rules:
        words.append(", ".join(shown_text(rule, 80) for rule in answer.rules))
    return "; ".join(words)


if __name__ == "__main__":
    main()

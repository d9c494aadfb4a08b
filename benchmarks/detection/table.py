"""Answers become rows, rows become aligned text and JSON."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from detection.answer import Answer
from detection.skills import Kind, Skill
from openclaw_vt.model.display import shown

FEW = 3
UNSAID = "-"
OTHERS = "(families of one or two)"
HEADS = ("skills", "≥ suspicious", "malicious", "no answer", "incomplete", "CPU s", "median ms")
Results = list[tuple[Skill, Answer]]


@dataclass(frozen=True, slots=True)
class Row:
    """One tool on one folder or family. Counts; `incomplete`, `cpu_s` and `median_ms` are None where the tool does not say."""

    tool: str
    kind: Kind
    folder: str
    family: str
    skills: int
    suspicious: int
    malicious: int
    no_answer: int
    incomplete: int | None
    cpu_s: float | None
    median_ms: float | None


def rows(results: dict[str, Results], kind: Kind, apart: frozenset[str]) -> Iterator[Row]:
    """Yield a row for each folder and family under each tool, and totals; `apart` names folders that no total counts."""
    for tool, all_kinds in results.items():
        mine = [item for item in all_kinds if item[0].kind == kind]
        folders = dict.fromkeys(skill.folder for skill, _ in mine)
        for folder in folders:
            here = [item for item in mine if item[0].folder == folder]
            yield _row(tool, kind, folder, "", here)
            yield from (_row(tool, kind, folder, family, some) for family, some in _families(here))
        counted = [item for item in mine if item[0].folder not in apart]
        if len(folders) > 1 and counted:
            left_out = [folder for folder in folders if folder in apart]
            yield _row(tool, kind, " ".join(["total", *(["without", *left_out] if left_out else [])]), "", counted)


def _families(results: Results) -> Iterator[tuple[str, Results]]:
    """Yield families by name, the small ones together: a set sorted by publisher would have hundreds."""
    split: dict[str, Results] = {}
    for skill, answer in results:
        split.setdefault(skill.family, []).append((skill, answer))
    if set(split) <= {""} or all(len(some) < FEW for some in split.values()):
        return
    small = [item for some in split.values() if len(some) < FEW for item in some]
    yield from ((name or "(none)", some) for name, some in sorted(split.items()) if len(some) >= FEW)
    if small:
        yield OTHERS, small


def _row(tool: str, kind: Kind, folder: str, family: str, results: Results) -> Row:
    answers = [answer for _, answer in results]
    told = [a.complete for a in answers if a.complete is not None]
    spent = [a.cpu_s for a in answers if a.cpu_s is not None]
    took = [a.ms for a in answers if a.ms is not None]
    return Row(
        tool=tool,
        kind=kind,
        folder=folder,
        family=family,
        skills=len(answers),
        suspicious=sum(a.flagged for a in answers),
        malicious=sum(a.level == "malicious" for a in answers),
        no_answer=sum(a.level == "no answer" for a in answers),
        incomplete=told.count(False) if told else None,
        cpu_s=round(sum(spent), 3) if spent else None,
        median_ms=round(statistics.median(took), 2) if took else None,
    )


def text(found: Iterable[Row], title: str) -> str:
    """Return an aligned table: names to the left, numbers to the right."""
    lines: list[tuple[str, ...]] = [(title, *HEADS)]
    tool = ""
    for row in found:
        if row.tool != tool:
            tool = row.tool
            lines.append((tool, *[""] * len(HEADS)))
        name = f"    {shown(row.family, limit=40)}" if row.family else f"  {shown(row.folder, limit=40)}"
        lines.append((name, *_cells(row)))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))]).rstrip()
        for line in lines
    )


def _cells(row: Row) -> tuple[str, ...]:
    return (
        str(row.skills),
        _share(row.suspicious, row.skills),
        _share(row.malicious, row.skills),
        str(row.no_answer or UNSAID),
        UNSAID if row.incomplete is None else _share(row.incomplete, row.skills),
        UNSAID if row.cpu_s is None else f"{row.cpu_s:.2f}",
        UNSAID if row.median_ms is None else f"{row.median_ms:.1f}",
    )


def _share(count: int, of: int) -> str:
    return f"{count} {count / of * 100:5.1f} %"


def document(found: Iterable[Row], results: dict[str, Results]) -> dict[str, object]:
    """Return everything for `--json`."""
    return {
        "rows": [asdict(row) for row in found],
        "skills": [{"tool": tool, **asdict(skill), **asdict(answer)} for tool, some in results.items() for skill, answer in some],
    }

"""Which files are left out of the tree digest, because honest use writes them and they can carry nothing of their own.

A file keeps the role "content" until every condition of another role holds:

* **record**: `.clawhub/origin.json` or `.openclaw/source-origin.json` at the root, parsed strictly, not executable.
* **byproduct**, compiled Python: `dir/__pycache__/name.<tag>[.opt-N].pyc` whose code is what its interpreter compiles
  from `dir/name.py` of this very snapshot. See `pyc.py`.
* **byproduct**, Finder's `.DS_Store`: its header is sound, it is at most 64 KiB, and no content file speaks of DS_Store
  (ignore files may), so nothing in the skill can read a payload out of it by name.

None of them may be executable or be where a link arrives: a link would give its bytes a second, unbound name.
What is left is judged as if these files were not there: a folder that holds nothing else is an empty folder, except
`__pycache__` and the installer's folders, which vanish with their contents.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

from openclaw_vt.model.subject import Entry, Role

MAX_DS_STORE = 64 << 10
_DS_HEADER = 36
_DS_ROOT_HEADER = 8
_RECORDS = (".clawhub/origin.json", ".openclaw/source-origin.json")
_PYC_FOLDER = "__pycache__"


def with_roles(entries: Sequence[Entry], *, reached: set[str], root: str | None) -> list[Entry]:
    """Return the entries with their roles. `reached` is where links arrive; no interpreter below `root` is run."""
    roles: dict[str, Role] = {}
    for entry in entries:
        if entry.kind == "file" and not entry.executable and entry.data is not None and not _linked(entry.path, reached):
            if entry.path in _RECORDS and _is_record(entry.path, entry.data):
                roles[entry.path] = "record"
            elif entry.path.rpartition("/")[2] == ".DS_Store" and is_ds_store(entry.data):
                roles[entry.path] = "byproduct"
    if any(f"/{_PYC_FOLDER}/" in f"/{entry.path}" for entry in entries):
        from openclaw_vt.skill.pyc import proven

        roles.update({path: "byproduct" for path in proven(entries, root=root) if not _linked(path, reached)})
    if any(path.endswith(".DS_Store") for path in roles) and _spoken_of(entries, roles):
        roles = {path: role for path, role in roles.items() if not path.endswith(".DS_Store")}
    return _settled([entry._replace(role=roles[entry.path]) if entry.path in roles else entry for entry in entries])


def _linked(path: str, reached: set[str]) -> bool:
    return path in reached or _parent(path) in reached - {""}


def _is_record(path: str, data: bytes) -> bool:
    from openclaw_vt.skill.records import parse_clawhub_origin, parse_source_origin

    parse: Callable[[bytes], object] = parse_clawhub_origin if path == _RECORDS[0] else parse_source_origin
    try:
        parse(data)
    except ValueError:
        return False
    return True


def is_ds_store(data: bytes) -> bool:
    """Whether the bytes are laid out as Finder writes them: header, root block and every block inside the file.

    Layout: 4 bytes 00000001, then a "buddy" file: `Bud1`, offset and size of the root block, the offset again. The root
    block lists the addresses of all blocks: offset and log2 of the size in one number. Offsets count from byte 4.
    """
    if not _DS_HEADER <= len(data) <= MAX_DS_STORE or data[:8] != b"\0\0\0\1Bud1":
        return False
    offset, size, again = struct.unpack_from(">3L", data, 8)
    inside = len(data) - 4
    if offset != again or size < _DS_ROOT_HEADER or offset + size > inside:
        return False
    (count,) = struct.unpack_from(">L", data, 4 + offset)
    if not 1 <= count <= (size - _DS_ROOT_HEADER) // 4:
        return False
    addresses = struct.unpack_from(f">{count}L", data, 4 + offset + _DS_ROOT_HEADER)
    return all((address & ~0x1F) + (1 << (address & 0x1F)) <= inside for address in addresses if address)


def _spoken_of(entries: Sequence[Entry], roles: dict[str, Role]) -> bool:
    """Whether some content file names DS_Store; a file that was not kept may."""
    return any(
        entry.data is None or b"ds_store" in (text := entry.data.lower()) or b".ds_" in text
        for entry in entries
        if entry.kind == "file" and entry.path not in roles and not _is_ignore_file(entry)
    )


def _is_ignore_file(entry: Entry) -> bool:
    name = entry.path.rpartition("/")[2]
    return name.startswith(".") and name.endswith("ignore") and not entry.executable


def _settled(entries: list[Entry]) -> list[Entry]:
    """Give folders the place they would have without the files that do not count."""
    entries = [entry._replace(role="byproduct") if _is_empty_cache(entry) else entry for entry in entries]
    occupied = {""}
    for entry in entries:
        if entry.role == "content":
            folder = entry.path if entry.kind == "directory" else _parent(entry.path)
            while folder not in occupied:
                occupied.add(folder)
                folder = _parent(folder)
    vanishing = {_parent(entry.path) for entry in entries if entry.role == "record"}
    emptied = set()
    for entry in entries:
        if entry.role != "content":
            folder = _parent(entry.path)
            while folder in vanishing or folder.rpartition("/")[2] == _PYC_FOLDER:
                folder = _parent(folder)
            if folder not in occupied:
                emptied.add(folder)
    # A folder that holds an emptied folder is not empty itself.
    innermost = [folder for folder in emptied if not any(other.startswith(folder + "/") for other in emptied)]
    return entries + [Entry(folder, "directory") for folder in innermost]


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _is_empty_cache(entry: Entry) -> bool:
    return entry.kind == "directory" and entry.path.rpartition("/")[2] == _PYC_FOLDER

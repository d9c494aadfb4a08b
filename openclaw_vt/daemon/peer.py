"""Who is at the other end of a Unix socket, as the kernel says."""

from __future__ import annotations

import os
import socket
import struct
import sys


def peer_uid(connection: socket.socket) -> int | None:
    """Return the other side's user id, or None where the system does not tell: then the socket's mode and the token decide.

    Raises OSError when the other side is gone already.
    """
    if sys.platform == "linux":
        _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
        return int(uid)
    if sys.platform == "darwin" or sys.platform.startswith("freebsd"):
        # struct xucred: version, uid, number of groups, groups. LOCAL_PEERCRED is 1 at level SOL_LOCAL, which is 0.
        raw = connection.getsockopt(0, 1, 4 + 4 + 4 + 16 * 4)
        version, uid = struct.unpack_from("=II", raw)
        return int(uid) if version == 0 else None
    return None


def is_ours(connection: socket.socket) -> bool:
    """Whether the other side runs as this user, or root."""
    try:
        uid = peer_uid(connection)
    except OSError:
        return False
    return uid is None or uid in (0, os.geteuid())

"""`python -m openclaw_vt`."""

from __future__ import annotations

from openclaw_vt.cli import main

if __name__ == "__main__":
    main()

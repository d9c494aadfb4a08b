"""openclaw-vt: the gate for OpenClaw skills."""

__version__ = "0.1.0"

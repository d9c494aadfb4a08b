"""The warm gate: one process per user and state folder that answers OpenClaw's plugin and the command line."""

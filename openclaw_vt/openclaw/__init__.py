"""OpenClaw as it lies on disk: its folders, its configuration, the skills in it, and how this gate is wired into it."""

"""One command per file: `configure` adds its arguments, `run` does it."""

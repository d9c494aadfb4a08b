"""Decisions as text, JSON and SARIF: pure builders, one output per file."""

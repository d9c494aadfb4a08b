"""Signed statements: what was verified, under which policy, when. Pure: keys and times come in as arguments."""

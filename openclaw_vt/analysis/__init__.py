"""Local analysis: bytes in, findings out. No input, no output, no clock."""

"""The vocabulary: what every other room speaks in. No input, no output, no clock."""

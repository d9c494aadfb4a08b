"""A skill's bytes on disk: reading them once, moving them aside, and what the folder says about its origin."""

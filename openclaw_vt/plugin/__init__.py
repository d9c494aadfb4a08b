"""The hook set: what a plugin may add to a judgement. Plugins give findings and evidence, never decisions."""

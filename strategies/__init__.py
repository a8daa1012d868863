"""The policies that ship with sunshift: one a file, found by the entry-point group ``sunshift.strategies``."""

"""The last of the ways back, which works when all else is broken. Standard library only."""

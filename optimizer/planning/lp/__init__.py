"""The linear program: one small module per part, each with its equation."""

"""Load, sun and prices to come, as scenarios."""

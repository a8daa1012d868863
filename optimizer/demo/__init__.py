"""The whole service against the simulated battery, faster than life."""

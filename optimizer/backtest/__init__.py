"""Replay of a recording with the controller that runs live, scored against the perfect-foresight bound."""

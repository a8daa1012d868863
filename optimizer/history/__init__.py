"""Measurements and decisions kept, resampled, and exchanged as recordings."""

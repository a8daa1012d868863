"""The configuration as typed, frozen records: one section of the TOML file a module, every field described."""

from optimizer.settings.root import Settings

__all__ = ["Settings"]

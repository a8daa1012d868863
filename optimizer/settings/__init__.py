"""The one TOML file, as types: every option with its unit, bounds, default and description."""

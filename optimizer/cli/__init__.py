"""The ``sunshift`` command."""

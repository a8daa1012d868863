"""Texts of a fixed form, named so that the check and its explanation cannot drift apart."""

from __future__ import annotations

CURRENCY = "^[A-Z]{3}$"
"""A code of ISO 4217."""
HOST = r"^(?:[A-Za-z0-9._-]+|[A-Fa-f0-9]*:[A-Fa-f0-9:.]*:[A-Fa-f0-9:.]*(?:%[A-Za-z0-9._-]+)?)$"
"""A name or an IPv4 address, or an IPv6 address, which alone has colons, two at least: one would begin a port."""

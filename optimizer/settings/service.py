"""The section ``[service]``: where the service writes and how much it says."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from optimizer.settings.places import AnyPath, default_runtime_dir, default_state_dir
from optimizer.settings.section import Section


class ServiceSettings(Section):
    """Where the service writes and how much it says."""

    state_dir: AnyPath = Field(default_factory=default_state_dir, examples=["/var/lib/sunshift"])
    """Folder of the history; by default systemd's $STATE_DIRECTORY, else ~/.local/state/sunshift."""
    runtime_dir: AnyPath = Field(default_factory=default_runtime_dir, examples=["/run/sunshift"])
    """Folder of status, lock and lease; by default $RUNTIME_DIRECTORY, else $XDG_RUNTIME_DIR/sunshift."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """How much to log."""

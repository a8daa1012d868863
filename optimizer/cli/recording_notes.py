"""What is suspicious about a recording, told where it does not disturb what is printed."""

from __future__ import annotations

import sys

from optimizer.history.recording import Recording


def tell_notes(recording: Recording) -> None:
    """Print a recording's notes to standard error, under its name."""
    for note in recording.notes:
        print(f"sunshift: {recording.path}: {note}", file=sys.stderr)

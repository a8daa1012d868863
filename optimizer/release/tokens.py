"""Where the way back finds the token of API V2. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

TOKEN_FILE_NAME = "sunshift-token"  # noqa: S105 - a file's name
"""Name of the token in ``$CREDENTIALS_DIRECTORY``, and of the copy that the service leaves in its runtime folder, 0600,
because systemd takes the credentials away before the commands that clean up. The copy says in a second word whose
token it is."""


def token_of_settings(
    table: Mapping[str, object], folder: Path, environ: Mapping[str, str], runtime_dirs: Sequence[Path], address: str
) -> tuple[str, str]:
    """Return the token from the first place that has one, else why each has none.

    Parameters
    ----------
    table
        ``[battery]`` of a configuration, with or without ``token_file``.
    folder
        Where a relative path lies.
    environ
        With systemd's folder of credentials.
    runtime_dirs
        Where the service may have left a copy.
    address
        Of the battery that is configured: a copy may be another one's.
    """
    named = [folder / _expanded(Path(str(table["token_file"])))] if table.get("token_file") else []
    credentials = [Path(part) for part in environ.get("CREDENTIALS_DIRECTORY", "").split(":") if part]
    copies = [folder / TOKEN_FILE_NAME for folder in runtime_dirs]
    reasons = [] if named else ["is missing: name the file that holds the token"]
    for place in (*named, *(folder / TOKEN_FILE_NAME for folder in credentials), *copies):
        words, why = _words(place)
        if words and (place not in copies or words[1:2] in ([], [address])):
            return words[0], ""
        reasons.append(f"{place} {why or 'is of another battery'}")
    return "", "; ".join(reasons)


def token_left_for(address: str, runtime_dir: Path | None) -> str:
    """Return the token that the service has left for a battery, empty where it has left none, or another's."""
    if runtime_dir is None:
        return ""
    words, _ = _words(runtime_dir / TOKEN_FILE_NAME)
    return words[0] if len(words) > 1 and words[1] == address else ""


def _expanded(path: Path) -> Path:
    """Return a path with ``~`` replaced, as it is where there is no such home: the next place may have the token."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def _words(path: Path) -> tuple[list[str], str]:
    """Return the words of a file, else why there are none; the reason never quotes the file."""
    try:
        words = path.read_text(encoding="ascii").split()
    except OSError as error:
        return [], f"cannot be read ({error.strerror})"
    except UnicodeError:
        return [], "holds more than plain text"
    except ValueError:  # a null character
        return [], "is no path"
    return words, "" if words else "is empty"

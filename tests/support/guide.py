"""The commands of an installation guide, as a person would copy them."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path


def commands_under(guide: Path, heading: str) -> list[str]:
    """Return the shell blocks of a section, in order."""
    text = guide.read_text()
    section = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section is not None, f"{guide.name} has no section {heading!r}"
    blocks = re.findall(r"^( *)```sh\n(.*?)^ *```", section[1], re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(indent + body if body.startswith(" ") else body) for indent, body in blocks]

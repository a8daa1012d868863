"""Check that a bill of materials is whole: ``check_bom.py BOM.json REQUIREMENTS.txt``.

Every requirement that is pinned for this machine must be in it with its version, and sunshift itself with its licence.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PIN = re.compile(r"^([A-Za-z0-9][^\\\n]*==[^\\\n]*)", re.MULTILINE)


def missing(bom: dict[str, object], requirements: str) -> list[str]:
    """Return what is pinned and not in the bill, or in it with another version."""
    components = bom["components"]
    assert isinstance(components, list)
    told = {canonicalize_name(one["name"]): one["version"] for one in components}
    pins = [Requirement(line) for line in PIN.findall(requirements)]
    here = [pin for pin in pins if pin.marker is None or pin.marker.evaluate()]
    return [str(pin) for pin in here if not pin.specifier.contains(told.get(canonicalize_name(pin.name), "0"))]


def main(bill: Path, requirements: Path) -> int:
    """Return 0 where the bill is whole."""
    bom = json.loads(bill.read_text(encoding="utf-8"))
    lacking = missing(bom, requirements.read_text(encoding="utf-8"))
    if not any(one["name"] == "sunshift" and one.get("licenses") for one in bom["components"]):
        lacking.append("sunshift itself, with its licence")
    for what in lacking:
        print(f"not in the bill of materials: {what}")
    print(f"{bill}: {len(bom['components'])} components, CycloneDX {bom['specVersion']}")
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))

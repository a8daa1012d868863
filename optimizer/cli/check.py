"""``sunshift check``: everything verified before control is handed over."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from optimizer.assembly.configuration import load_configuration
from optimizer.clock import WallClock
from optimizer.errors import ConfigError
from optimizer.service.checks.result import Finding, Grade


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="configuration to check")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: argparse.Namespace) -> int:
    """Check and print; 1 where anything fails, 78 where the configuration cannot be used."""
    try:
        configuration = load_configuration(arguments.config)
    except ConfigError as error:
        if arguments.json:
            print(
                json.dumps({"ok": False, "source": error.source, "problems": [asdict(one) for one in error.problems]})
            )
        raise
    from optimizer.service.checks.all_checks import all_findings  # noqa: PLC0415 - loads the solver; errors come first

    findings = _shown(all_findings(configuration, clock=WallClock()), quiet=arguments.json)
    ok = all(finding.grade is not Grade.FAIL for finding in findings)
    if arguments.json:
        print(json.dumps({"ok": ok, "checks": [asdict(finding) for finding in findings]}))
    else:
        print("Ready." if ok else "Not ready: see FAIL above.")
    return 0 if ok else 1


def _shown(findings: Iterable[Finding], *, quiet: bool) -> list[Finding]:
    """Return the findings, each printed as soon as it is there: some take seconds."""
    shown = []
    for finding in findings:
        shown.append(finding)
        if not quiet:
            print(f"{finding.grade.value:<5}{finding.name}: {finding.message}", flush=True)
            if finding.advice:
                print(f"     -> {finding.advice}", flush=True)
    return shown

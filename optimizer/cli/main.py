"""The command line: finds the command, turns errors into one clear message and an exit code.

Each command is a module beside this one with ``add_arguments(parser)`` and ``run(arguments) -> int``. Only the module
that is asked for is imported, so that ``sunshift status`` does not wait for pandas.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module, metadata

from optimizer.cli.ending import EXIT_FAILED, EXIT_INTERRUPTED, end_at_once
from optimizer.cli.explaining import explained
from optimizer.cli.starting import nothing_collected

COMMANDS = {
    "demo": "show the whole service at work on a simulated battery, faster than life",
    "run": "run the service in the foreground, as systemd starts it",
    "check": "verify everything before handing over control",
    "plan": "show the plan as it would be made now, or plan a dumped problem",
    "status": "tell what the running service does, since when, and why",
    "resume": "have the running service command again now, where it stands down",
    "release": "hand the battery back to itself; works when nothing else does",
    "backtest": "replay a recording: what would it have earned, and how far from perfect",
    "sweep": "replay strategies on many homes, tariffs and batteries, on all cores or on a cluster",
    "simulate": "serve a simulated battery's HTTP interface, with physics and faults",
    "strategies": "list the installed strategies with their parameters",
    "config": "write a commented configuration, or show the effective one",
    "history": "import and export recordings",
}


def build_parser(command: str | None) -> argparse.ArgumentParser:
    """Return the parser, with the arguments of ``command`` filled in."""
    parser = argparse.ArgumentParser(
        prog="sunshift",
        description="Plans and commands a home PV battery, and says why.",
        epilog="Start with `sunshift demo`; then `sunshift config init` and `sunshift check --config FILE`.",
    )
    parser.add_argument("--version", action="version", version=f"sunshift {metadata.version('sunshift')}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if name == command:
            import_module(f"optimizer.cli.{name}").add_arguments(subparser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    _print_anything()
    command = next((word for word in words if not word.startswith("-")), None)
    try:
        # Within: building the parser imports the command, and Ctrl-C is as likely then as later.
        with nothing_collected():
            arguments = build_parser(command).parse_args(words)
            module = import_module(f"optimizer.cli.{arguments.command}")
        code = int(module.run(arguments))
        sys.stdout.flush()  # here, where it can still be told that nobody took what was printed
    except KeyboardInterrupt:
        print("sunshift: interrupted", file=sys.stderr)
        _end_at_once_over_native_work()
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader went away (`sunshift plan | head`): say nothing, and keep the interpreter from saying it at exit.
        _forget_output()
        sys.stderr.close()
        return EXIT_FAILED
    except Exception as error:
        told = explained(error)
        if told is None:
            raise
        if isinstance(error, OSError):
            _forget_output()
        code, why = told
        print(f"sunshift: {why}", file=sys.stderr)
    return code


def _end_at_once_over_native_work() -> None:
    """End the process here where cancelled native work still runs: it aborts an interpreter that ends around it."""
    heard = sys.modules.get("optimizer.backtest.bound.heard")
    if heard is not None and heard.is_left_behind():
        end_at_once(EXIT_INTERRUPTED)


def _forget_output() -> None:
    """Keep the interpreter from trying once more, as it ends, to write what could not be written."""
    with suppress(OSError):
        sys.stdout.close()


def _print_anything() -> None:
    """Have what the terminal cannot show told by its number: a file or a name may hold any character."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")

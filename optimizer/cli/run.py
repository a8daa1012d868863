"""``sunshift run``: the service in the foreground, as systemd starts it."""

from __future__ import annotations

import argparse
import logging
import sys
import threading
from pathlib import Path

from optimizer.assembly.configuration import load_configuration
from optimizer.clock import WallClock
from optimizer.errors import LockedError
from optimizer.release.word import REFUSED
from optimizer.service.log_setup import configure_logging
from optimizer.service.log_stream import in_background
from optimizer.service.notify import Notifier
from optimizer.service.signals import stop_on_signals

logger = logging.getLogger("sunshift.service")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="TOML file; without it the environment alone")
    parser.add_argument("--observe", action="store_true", help="poll, plan, record and show; command nothing")


def run(arguments: argparse.Namespace) -> int:
    """Run until SIGTERM or Ctrl-C; 1 where the battery could not be handed back, 69 where another one commands it."""
    notifier = Notifier.from_environment()
    stop = threading.Event()
    with stop_on_signals(stop), in_background(sys.stderr) as log:
        configuration = load_configuration(arguments.config)
        configure_logging(configuration.settings.service.log_level, stream=log)
        # Late, because it loads the solver: a mistake in the configuration shows at once.
        from optimizer.planning.kernel.choice import compile_nothing  # noqa: PLC0415
        from optimizer.service.composition import build_daemon  # noqa: PLC0415

        compile_nothing()
        daemon = build_daemon(configuration, clock=WallClock(), notifier=notifier, observe=arguments.observe)
        try:
            daemon.run(stop)
        except LockedError as error:
            print(f"sunshift: {error}", file=sys.stderr)
            return REFUSED
    if daemon.ousted:
        return REFUSED
    return 0 if daemon.handed_back else 1

"""``sunshift run``: the service in the foreground, as systemd starts it."""

from __future__ import annotations

import argparse
import logging
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.assembly.configuration import load_configuration
from optimizer.cli.ending import EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED, end_at_once
from optimizer.cli.starting import nothing_collected
from optimizer.clock import WallClock
from optimizer.errors import LockedError
from optimizer.release.word import REFUSED
from optimizer.service.log_setup import configure_logging
from optimizer.service.log_stream import in_background
from optimizer.service.notify import Notifier
from optimizer.service.signals import stop_on_signals

if TYPE_CHECKING:
    from optimizer.service.daemon import Daemon

logger = logging.getLogger("sunshift.service")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="TOML file; without it the environment alone")
    parser.add_argument("--observe", action="store_true", help="poll, plan, record and show; command nothing")


def run(arguments: argparse.Namespace) -> int:
    """Run until SIGTERM or Ctrl-C.

    Returns
    -------
    int
        1 where the battery could not be handed back, or another service has taken a folder of this one; 69 where
        another one commands the battery; 130 where Ctrl-C came again after a while.
    """
    daemon: Daemon | None = None
    notifier = Notifier.from_environment()
    stop = threading.Event()
    with stop_on_signals(stop):
        try:
            with in_background(sys.stderr) as log:
                with nothing_collected():
                    configuration = load_configuration(arguments.config)
                    configure_logging(configuration.settings.service.log_level, stream=log)
                    # Late, because it loads numerics: a mistake in the configuration shows at once.
                    from optimizer.planning.kernel.choice import compile_nothing  # noqa: PLC0415
                    from optimizer.service.composition import build_daemon  # noqa: PLC0415

                    compile_nothing()
                    daemon = build_daemon(
                        configuration, clock=WallClock(), notifier=notifier, observe=arguments.observe
                    )
                code = _run_to_the_end(daemon, stop)
        except KeyboardInterrupt:
            # Before there is a service, or as its last lines are written. Nothing is printed: nobody may be reading.
            code = EXIT_INTERRUPTED
        if daemon is not None:
            # As long as signals are ours: one that comes as the interpreter ends would make another end of it. And a
            # plan that is still being made, or hangs, would be waited for then.
            end_at_once(code)
    return code


def _run_to_the_end(daemon: Daemon, stop: threading.Event) -> int:
    try:
        daemon.run(stop)
    except LockedError as error:
        logger.error("%s", error)
        return REFUSED
    except KeyboardInterrupt:
        if daemon.may_have_left_a_command:
            logger.error("interrupted with a command on record: run `sunshift release`, or look at the battery")
        else:
            logger.warning("interrupted")
        return EXIT_INTERRUPTED
    if daemon.left_to_another:
        return REFUSED
    return EXIT_DONE if daemon.handed_back and not daemon.displaced else EXIT_FAILED

"""From the configuration to the running service: everything built once, handed to each other."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from optimizer.assembly.configuration import Configuration
from optimizer.assembly.controller import build_controller
from optimizer.assembly.device import build_device, release_target
from optimizer.assembly.history import build_history
from optimizer.assembly.planning import build_desk
from optimizer.assembly.tariffs import build_tariff
from optimizer.clock import Clock, SimulatedClock
from optimizer.control.controller import Controller
from optimizer.control.plan_board import PlanBoard, trusted_for
from optimizer.devices.port import BatteryDevice, FoundByName
from optimizer.release.record import CommandRecord
from optimizer.release.tokens import token_left_for
from optimizer.service.battery_claim import BatteryClaim
from optimizer.service.chores import Chores, Periods
from optimizer.service.daemon import Daemon
from optimizer.service.jobs import JobBook, JobRunner
from optimizer.service.lease_files import LeaseFiles
from optimizer.service.leftovers import leave_token, leave_word, take_token_back
from optimizer.service.lock import InstanceLock
from optimizer.service.lock_watch import LockWatch
from optimizer.service.loop import ControlLoop
from optimizer.service.notify import Notifier
from optimizer.service.other_battery import hand_back_elsewhere
from optimizer.service.reporter import Identity, Reporter
from optimizer.service.resume_request import ResumeRequest
from optimizer.service.resuming import Resuming
from optimizer.service.run_mark import RunMark
from optimizer.service.status import status_path
from optimizer.service.stepped_runner import SteppedRunner
from optimizer.service.take_over import EarlierRun, TakeOver

STALE_S = 90.0
"""The longest that a step may take, hanging requests and waits after failures included [s]."""


def build_daemon(
    configuration: Configuration,
    *,
    clock: Clock,
    device: BatteryDevice | None = None,
    runner: JobRunner | None = None,
    notifier: Notifier | None = None,
    observe: bool = False,
) -> Daemon:
    """Return the service of a configuration, ready to run; nothing is sent or written yet.

    Parameters
    ----------
    configuration
        What is configured.
    clock
        Real or simulated time.
    device
        The battery; by default the one that is configured.
    runner
        Runs the jobs; by default APScheduler on real time, in step with the clock on simulated time.
    notifier
        Tells systemd; by default nobody is told.
    observe
        Whether to command nothing, whatever is configured.
    """
    settings = configuration.settings
    observing = observe or settings.control.observe
    battery = build_device(configuration, clock=clock) if device is None else device
    tariff, board = build_tariff(settings), PlanBoard(max_age=trusted_for(settings.planning.replan))
    history = build_history(settings, clock=clock)
    runtime_dir = settings.service.runtime_dir
    target = release_target(settings.battery)
    keeper = LeaseFiles(
        CommandRecord(settings.service.state_dir, runtime_dir),
        target,
        found_at=lambda: battery.found_at if isinstance(battery, FoundByName) else "",
    )
    mark = RunMark(settings.service.state_dir)
    controller = build_controller(
        configuration,
        device=battery,
        clock=clock,
        tariff=tariff,
        board=board,
        history=history,
        keeper=keeper,
        observe=observing,
    )
    book = JobBook(clock)
    take_over = TakeOver(
        controller,
        battery,
        earlier=_earlier_run(keeper, mark, runtime_dir, target.address),
        on_record=keeper.stands,
        observe=observing,
    )
    resuming = Resuming(take_over.step, take_over, requested=ResumeRequest(runtime_dir, clock).take)
    loop = ControlLoop(
        clock=clock,
        step=resuming.step,
        hand_back=take_over.release,
        poll_s=settings.control.poll_interval.total_seconds(),
        lease_end=lambda: controller.lease_end_s,
    )
    lock_of = partial(InstanceLock, battery=battery.name, since=clock.now(), lease_dir=runtime_dir)
    lock = lock_of(runtime_dir)
    # The record of a command lies there: a second service would take the first one's for its own.
    own_state = not observing and settings.service.state_dir.resolve() != runtime_dir.resolve()
    state_lock = lock_of(settings.service.state_dir) if own_state else None
    leave = partial(_leave_word, configuration, observing)
    lock_watch = LockWatch(lock, partial(leave, True), in_state=state_lock)
    reporter = Reporter(
        status_path(runtime_dir),
        clock=clock,
        identity=_identity(configuration, battery, observe=observing),
        counters=loop.counters,
        book=book,
        board=board,
        history=history,
        lease=keeper,
        lock_watch=lock_watch,
        resuming=resuming,
    )
    chores = Chores(
        clock=clock,
        desk=build_desk(configuration, clock=clock, history=history, tariff=tariff, board=board),
        tariff=tariff,
        history=history,
        latest=lambda: reporter.measurement,
        step=settings.planning.step,
        horizon=settings.planning.horizon,
        keep=settings.history.retention,
    )
    daemon = Daemon(
        clock=clock,
        loop=loop,
        jobs=chores.jobs(Periods(replan=settings.planning.replan)),
        on_plan=chores.on_plan,
        book=book,
        runner=_runner_for(clock) if runner is None else runner,
        board=board,
        device=battery,
        history=history,
        reporter=reporter,
        notifier=notifier or Notifier(),
        lock=lock,
        state_lock=state_lock,
        lock_watch=lock_watch,
        claim=BatteryClaim(None if observing else _address(configuration)),
        leave_word=leave,
        on_record=keeper.stands,
        is_left=lambda: resuming.stand_down is not None,
        on_end=partial(_note_end, keeper, mark, controller, observing=observing, state_lock=state_lock),
        headline=_headline(configuration, battery, observe=observing),
    )
    if not observing:
        daemon.on_decision.append(mark.note)
    return daemon


def _earlier_run(keeper: LeaseFiles, mark: RunMark, runtime_dir: Path, here: str) -> EarlierRun:
    """Return what an earlier run left behind, as the folders tell."""
    elsewhere = keeper.left_elsewhere()
    back = None
    if elsewhere is not None:
        # Looked for now: this run leaves the token of its own battery there.
        token = token_left_for(elsewhere.address, runtime_dir)
        back = partial(hand_back_elsewhere, replace(elsewhere, token=token), here=here)
    return EarlierRun(command=keeper.stands(), unsettled=mark.found, elsewhere=back)


def _note_end(
    keeper: LeaseFiles,
    mark: RunMark,
    controller: Controller,
    handed_back: bool,
    *,
    observing: bool,
    state_lock: InstanceLock | None,
) -> None:
    """Put down how it has ended: nothing stands any more where the battery was handed back."""
    if observing:
        return
    if handed_back:
        keeper.drop()
    if state_lock is None or not state_lock.is_lost:
        # Otherwise the folder was removed, and the mark in it may be another service's.
        mark.at_end(handed_back=handed_back, leaves_a_choice=controller.leaves_a_choice)


def _leave_word(configuration: Configuration, observing: bool, standing: bool) -> None:
    """Leave for those who come after what they need: the token, and whether there may be anything to take back."""
    runtime_dir = configuration.settings.service.runtime_dir
    leave_word(runtime_dir, standing=standing and not observing)
    if standing:
        leave_token(runtime_dir, configuration.token, release_target(configuration.settings.battery).address)
        return
    take_token_back(runtime_dir)


def _address(configuration: Configuration) -> str | None:
    """Return what the battery is called on this machine; None where it lives in this process."""
    battery = configuration.settings.battery
    return None if battery.driver == "simulated" else release_target(battery).address


def _runner_for(clock: Clock) -> JobRunner:
    if isinstance(clock, SimulatedClock):
        return SteppedRunner(clock)
    from optimizer.service.scheduler_runner import ApschedulerRunner  # noqa: PLC0415 - not loaded for a simulation

    return ApschedulerRunner(clock)


def _identity(configuration: Configuration, battery: BatteryDevice, *, observe: bool) -> Identity:
    settings = configuration.settings
    return Identity(
        battery=battery.name,
        strategy=settings.strategy.name,
        observe=observe,
        currency=settings.site.currency,
        timezone=settings.site.zone.key,
        config=configuration.source,
        stale_after_s=STALE_S + settings.control.poll_interval.total_seconds(),
    )


def _headline(configuration: Configuration, battery: BatteryDevice, *, observe: bool) -> str:
    settings = configuration.settings
    does = "observes (commands nothing)" if observe else "controls"
    return f"sunshift {does} {battery.name} by {settings.strategy.name}, configured in {configuration.source}"

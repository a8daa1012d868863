"""From the configuration to the battery's driver."""

from __future__ import annotations

from optimizer.assembly.configuration import Configuration
from optimizer.assembly.site import build_battery
from optimizer.clock import Clock
from optimizer.devices.port import BatteryDevice
from optimizer.domain.measurement import OperatingMode
from optimizer.release.target import ReleaseTarget
from optimizer.settings.battery import BatterySettings


def build_device(configuration: Configuration, *, clock: Clock) -> BatteryDevice:
    """Return the battery that is configured; nothing is sent to it yet."""
    match configuration.settings.battery.driver:
        case "sonnen_v1":
            return _sonnen_v1(configuration, clock)
        case "sonnen_v2":
            return _sonnen_v2(configuration, clock)
        case "simulated":
            return _simulated(configuration, clock)


def _sonnen_v1(configuration: Configuration, clock: Clock) -> BatteryDevice:
    from optimizer.devices.sonnen_v1 import SonnenV1  # noqa: PLC0415 - each driver loads its own libraries

    battery = configuration.settings.battery
    return SonnenV1(
        host=battery.host or "",
        port=battery.port,
        clock=clock,
        mode_control=battery.mode_control,
        hand_back_mode=OperatingMode(battery.hand_back_mode),
        deadline_s=battery.request_deadline.total_seconds(),
    )


def _sonnen_v2(configuration: Configuration, clock: Clock) -> BatteryDevice:
    from optimizer.devices.sonnen_v2 import SonnenV2  # noqa: PLC0415

    battery, token = configuration.settings.battery, configuration.token
    return SonnenV2(
        host=battery.host or "",
        port=battery.port,
        token="" if token is None else token.get_secret_value(),
        clock=clock,
        hand_back_mode=OperatingMode(battery.hand_back_mode),
        deadline_s=battery.request_deadline.total_seconds(),
    )


def _simulated(configuration: Configuration, clock: Clock) -> BatteryDevice:
    from optimizer.devices.simulated.device import SimulatedDevice  # noqa: PLC0415
    from optimizer.devices.simulated.house import SimulatedHouse  # noqa: PLC0415
    from optimizer.devices.simulated.profile import packaged_profile  # noqa: PLC0415

    settings = configuration.settings
    house = SimulatedHouse(
        clock=clock,
        battery=build_battery(settings),
        recording=packaged_profile().shifted_to(clock.now()),
        timezone=settings.site.zone,
    )
    return SimulatedDevice(house)


def release_target(battery: BatterySettings) -> ReleaseTarget:
    """Return what goes on record with a command, so that it is taken back where it was sent."""
    return ReleaseTarget(
        driver=battery.driver,
        host=battery.host or "",
        port=battery.port,
        mode_control=battery.mode_control,
        hand_back_mode=battery.hand_back_mode,
    )

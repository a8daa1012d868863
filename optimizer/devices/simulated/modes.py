"""Who decides the simulated battery's power, in the device's own numbers."""

from __future__ import annotations

from enum import IntEnum

from optimizer.domain.measurement import OperatingMode


class DeviceMode(IntEnum):
    """``EM_OperatingMode`` (battery-api facts, section 2.2)."""

    MANUAL = 1
    AUTOMATIC = 2
    TEST = 4
    MODULE_EXTENSION = 6
    BACKUP = 7
    SELF_CONSUMPTION_US = 8
    TIME_OF_USE = 10
    OPTIMIZING = 11

    @property
    def operating_mode(self) -> OperatingMode:
        """Return the project's word for it."""
        return _WORDS.get(self, OperatingMode.OTHER)


_WORDS = {
    DeviceMode.MANUAL: OperatingMode.MANUAL,
    DeviceMode.AUTOMATIC: OperatingMode.AUTOMATIC,
    DeviceMode.SELF_CONSUMPTION_US: OperatingMode.AUTOMATIC,
    DeviceMode.BACKUP: OperatingMode.BACKUP,
    DeviceMode.TIME_OF_USE: OperatingMode.TIME_OF_USE,
}

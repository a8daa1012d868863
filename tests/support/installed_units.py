"""The units on a machine: more of them beside those that the guide installs, and what systemd knows of each."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from support.machine import Machine

REPOSITORY = Path(__file__).parents[2]
GUIDE = REPOSITORY / "systemd" / "README.md"
AS_A_PERSON = "export SUDO_EDITOR=/usr/local/bin/fill-in; cd /root/sunshift\n"
INSTALLED = "/etc/systemd/system"


def now() -> datetime:
    return datetime.now(UTC)


def install_another(machine: Machine, unit: str, *, folder: str, configuration: str = "sunshift") -> None:
    """Write two more units: a service, and what hands back when it has failed.

    Parameters
    ----------
    machine
        Where.
    unit
        The service's name.
    folder
        The name of its folders and user.
    configuration
        The name of its configuration in ``/etc/sunshift``.
    """
    for name in ("sunshift", "sunshift-failure"):
        text = (REPOSITORY / "systemd" / f"{name}.service").read_text()
        for key in ("StateDirectory", "RuntimeDirectory", "User"):
            text = text.replace(f"{key}=sunshift\n", f"{key}={folder}\n")
        text = text.replace("OnFailure=sunshift-failure", f"OnFailure={unit}-failure")
        text = text.replace("Wants=sunshift-guard.timer\n", "")
        text = text.replace("/etc/sunshift/sunshift.toml", f"/etc/sunshift/{configuration}.toml")
        machine.write(f"{INSTALLED}/{name.replace('sunshift', unit)}.service", text)


def said(machine: Machine, unit: str, since: datetime) -> str:
    """Return what a unit wrote into the journal since then, and systemd of it."""
    return machine.run(f"journalctl -q -u {unit} --since=@{since.timestamp():.6f} --no-pager -o cat", check=False)


def shown(machine: Machine, unit: str, name: str) -> str:
    """Return what systemd knows of a unit."""
    return machine.run(f"systemctl show {unit} -p {name} --value --timestamp=us+utc").strip()


def ran_at(machine: Machine, unit: str) -> datetime:
    """Return when a unit was started last.

    Raises
    ------
    ValueError
        It never was.
    """
    told = shown(machine, unit, "ExecMainStartTimestamp")
    return datetime.strptime(told, "%a %Y-%m-%d %H:%M:%S.%f %Z").replace(tzinfo=UTC)


def has_failed(machine: Machine, unit: str = "sunshift") -> bool:
    """Return whether systemd has given it up."""
    return machine.run(f"systemctl is-active {unit}", check=False).split() == ["failed"]

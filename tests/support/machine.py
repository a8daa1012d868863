"""A computer of its own: Debian booted by a real systemd in a container, with the power cord in the test's hands.

Needs root, ``systemd-nspawn`` and ``mmdebstrap``. It shares the host's network, so that a simulated battery of the test
lives on when the computer is switched off.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

PACKAGES = ("systemd", "systemd-sysv", "dbus", "libnss-systemd", "python3", "python3-venv", "sudo")
SUITE = "bookworm"
"""Debian 12, of which 64-bit Raspberry Pi OS is made; Python 3.11."""
NEEDS = ("systemd-nspawn", "mmdebstrap", "nsenter")
BOOT_S = 60.0
CONTROL_GROUPS = Path("/sys/fs/cgroup")


def why_not() -> str | None:
    """Return why no machine can be had here; None where one can."""
    missing = [tool for tool in NEEDS if shutil.which(tool) is None]
    if missing:
        return f"{', '.join(missing)} missing (Debian packages systemd-container, mmdebstrap, util-linux)"
    return None if os.geteuid() == 0 else "only root can boot a container"


def root_archive() -> Path:
    """Return an archive of a fresh Debian, made once for this machine."""
    key = hashlib.sha256(f"{SUITE} {PACKAGES}".encode()).hexdigest()[:12]
    archive = Path(tempfile.gettempdir()) / f"sunshift-machine-{key}.tar"
    if not archive.exists():
        fresh = archive.with_suffix(f".{os.getpid()}.tar")
        command = ["mmdebstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(fresh)]
        subprocess.run(command, check=True, capture_output=True, timeout=600)
        fresh.rename(archive)
    return archive


class Machine:
    """One computer.

    Parameters
    ----------
    folder
        Where its disk is unpacked.
    shows
        Folders of the host that it can read, by the path at which it sees them.
    """

    def __init__(self, folder: Path, *, shows: dict[str, Path]) -> None:
        self.disk = folder / "disk"
        self.disk.mkdir()
        subprocess.run(["tar", "-C", self.disk, "-xf", root_archive()], check=True, timeout=300)
        self.write("/etc/hosts", f"127.0.0.1 localhost {self._name}\n")
        self._shows = shows
        self._console = folder / "console.log"
        self._nspawn: subprocess.Popen[bytes] | None = None

    def switch_on(self) -> None:
        """Boot, and wait until systemd says that it has."""
        binds = [f"--bind-ro={host}:{seen}" for seen, host in self._shows.items()]
        named = [f"--machine={self._name}", f"--hostname={self._name}"]
        command = ["systemd-nspawn", "-q", "-D", self.disk, "-b", "--register=no", "--keep-unit", "--console=pipe"]
        with self._console.open("ab") as console:
            self._nspawn = subprocess.Popen(
                [*self._in_groups_of_its_own(), *map(str, command), *named, *binds],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
            )
        wait_for(lambda: self._state() in {"running", "degraded"}, BOOT_S, "the machine to boot")

    def cut_power(self) -> None:
        """Pull the plug: nothing in it gets a moment to do anything."""
        leader = self._leader()
        assert self._nspawn is not None
        self._nspawn.send_signal(signal.SIGSTOP)  # nspawn would tidy up
        os.kill(leader, signal.SIGKILL)
        self._nspawn.kill()
        self._nspawn.wait(30)
        self._nspawn = None
        # The folder of memory-backed files is the host's; a real one is empty after a power cut.
        wait_for(lambda: not _exists(leader), 10.0, "the machine to go dark")

    def shut_down(self) -> None:
        """Power off as a person would."""
        if self._nspawn is not None:
            self.run("systemctl poweroff", check=False)
            self._nspawn.wait(90)
            self._nspawn = None
            self._remove_groups()

    def run(self, script: str, *, check: bool = True, timeout_s: float = 120.0) -> str:
        """Run a shell script in it as root and return what it said.

        Raises
        ------
        AssertionError
            It failed and that was not expected.
        """
        command = ["nsenter", "-t", str(self._leader()), "-a", "/bin/bash", "-euo", "pipefail", "-c", script]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"},
        )
        told = done.stdout + done.stderr
        assert done.returncode == 0 or not check, f"{script}\nended with {done.returncode}:\n{told}"
        return told

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file on its disk."""
        place = self.disk / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(mode)

    def pid_on_the_host(self, pid: int) -> int:
        """Return the host's number of one of its processes.

        Raises
        ------
        LookupError
            It has none of that number.
        """
        namespace = Path(f"/proc/{self._leader()}/ns/pid").readlink()
        for status in Path("/proc").glob("[0-9]*/status"):
            with suppress(OSError):  # a process may end meanwhile
                numbers = next(line for line in status.read_text().splitlines() if line.startswith("NSpid:")).split()
                if int(numbers[-1]) == pid and (status.parent / "ns/pid").readlink() == namespace:
                    return int(numbers[1])
        msg = f"the machine has no process {pid}"
        raise LookupError(msg)

    def _in_groups_of_its_own(self) -> list[str]:
        """Return what a command line begins with that is to run in control groups of this machine's own.

        Machines that are switched on beside each other would remove each other's groups of one name: what systemd runs
        in a unit then fails with 219 now and then, `ExecStopPost=` as well.
        """
        for group in self._groups():
            group.mkdir(exist_ok=True)
        enter = " ".join(f"echo $$ >{group}/cgroup.procs;" for group in self._groups())
        return ["sh", "-ec", f'{enter} exec "$@"', "sh"]

    def _remove_groups(self) -> None:
        for top in self._groups():
            for group in sorted(top.glob("**/"), reverse=True):
                with suppress(OSError):  # not quite empty yet
                    group.rmdir()

    def _groups(self) -> list[Path]:
        """Return its control group in each hierarchy that systemd has."""
        tops = (CONTROL_GROUPS, CONTROL_GROUPS / "systemd", CONTROL_GROUPS / "unified")
        return [top / self._name for top in tops if (top / "cgroup.procs").exists()]

    @property
    def _name(self) -> str:
        return f"sunshift-{os.getpid()}"

    def _state(self) -> str:
        try:
            return self.run("systemctl is-system-running", check=False, timeout_s=10.0).strip()
        except (LookupError, subprocess.TimeoutExpired):
            return "not there yet"

    def _leader(self) -> int:
        """Return the host's number of its first process."""
        if self._nspawn is None or self._nspawn.poll() is not None:
            msg = f"the machine is off:\n{self._console.read_text(errors='replace')[-2000:]}"
            raise LookupError(msg)
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
        if not children:
            raise LookupError("the machine has no first process yet")
        return int(children[0])


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> float:
    """Wait until a condition holds and return how long that took [s]."""
    began = time.perf_counter()
    while not condition():
        if time.perf_counter() - began > seconds:
            msg = f"waited {seconds:.0f} s in vain for {what}"
            raise AssertionError(msg)
        time.sleep(0.05)
    return time.perf_counter() - began


def wheels_of(requirements: Path, folder: Path) -> Path:
    """Return a folder with the wheels of pinned requirements for the machine's Python."""
    command = [sys.executable, "-m", "pip", "download", "-q", "--only-binary=:all:", "--no-deps"]
    command += ["--python-version=3.11", "-d", str(folder), "-r", str(requirements)]
    subprocess.run(command, check=True)
    return folder


def _exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()

"""The history keeps what it is told, through restarts and failing disks."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from datetime import timedelta
from pathlib import Path

import numpy as np
import psutil
import pytest

from optimizer.clock import SimulatedClock
from optimizer.errors import ForeignHistory, HistoryError
from optimizer.history.store import HistoryStore, history_path
from support.past import START, decided, measured

QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)
SYNCHRONOUS_NORMAL = 1
"""As https://www.sqlite.org/pragma.html#pragma_synchronous numbers it."""


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(START)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return history_path(tmp_path / "state")


def stored_count(path: Path, table: str = "measurement") -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    finally:
        connection.close()


def open_descriptors() -> int:
    return psutil.Process().num_fds()


def fail_writes(store: HistoryStore) -> None:
    """Leave the file no room to grow."""
    store._database.read(lambda connection: connection.execute("PRAGMA max_page_count = 1"))


def pragma(store: HistoryStore, name: str) -> object:
    """Return a setting of the connection that writes."""
    return store._database.write(lambda connection: connection.execute(f"PRAGMA {name}").fetchone()[0])


def test_a_read_sees_what_is_not_written_yet(path: Path, clock: SimulatedClock) -> None:
    """Measurements, decisions and means count from the moment they are told."""
    with HistoryStore(path, clock=clock) as store:
        for second in range(0, 900, 10):
            store.add_measurement(measured(second, load=800.0))
        store.add_decision(decided(5))
        assert stored_count(path) == 0
        assert len(store.measurements(START, START + DAY)) == 90
        assert store.latest_decision() == decided(5)
        assert store.means(START, START + QUARTER, QUARTER).consumption_w.tolist() == [800.0]


def test_buffered_and_written_readings_make_the_same_means(path: Path, clock: SimulatedClock) -> None:
    """Means do not depend on what happens to be on disk already."""
    rng = np.random.default_rng(3)
    with HistoryStore(path, clock=clock) as store:
        for number, second in enumerate(np.cumsum(rng.integers(5, 120, 300))):
            store.add_measurement(measured(float(second), load=float(rng.integers(0, 5000))))
            if number == 150:
                store.flush()
        end = START + timedelta(hours=6)
        for step in (QUARTER, timedelta(minutes=1)):
            before = store.means(START, end, step)
            store.flush()
            np.testing.assert_allclose(before.values, store.means(START, end, step).values, atol=1e-5)
            store.add_measurement(measured(5 * 3600 + step.seconds))


def test_rows_are_written_at_the_latest_after_ten_minutes(path: Path, clock: SimulatedClock) -> None:
    """So long after the last commit the next row brings one, without anybody asking."""
    store = HistoryStore(path, clock=clock)
    for second in range(0, 601, 10):
        store.add_measurement(measured(second))
        clock.advance(10)
    assert store._flusher.wait(10.0)
    assert stored_count(path) >= 60
    store.close()


def test_rows_that_somebody_had_written_are_not_written_again_soon(path: Path, clock: SimulatedClock) -> None:
    """The service's job saves as often: the time counts from there, or a card would be written to twice as often."""
    with HistoryStore(path, clock=clock) as store:
        for second in range(0, 1200, 10):
            store.add_measurement(measured(second))
            clock.advance(10)
            if second % 600 == 300:
                store.flush()
        assert not store._flusher.wait(0.1)
        assert stored_count(path) == 91


@pytest.mark.parametrize("begun_before", [False, True])
def test_a_commit_costs_a_memory_card_little_and_is_whole(
    path: Path, clock: SimulatedClock, begun_before: bool
) -> None:
    """The connection that writes appends to a log beside the file and waits for the card only where that is folded in.

    In a new file and in one that an earlier run made: the log is a property of the file, the waiting of the connection.
    """
    if begun_before:
        HistoryStore(path, clock=clock).close()
    with HistoryStore(path, clock=clock) as store:
        store.add_measurement(measured())
        store.flush()
        told = {name: pragma(store, name) for name in ("journal_mode", "synchronous", "page_size")}
        assert told == {"journal_mode": "wal", "synchronous": SYNCHRONOUS_NORMAL, "page_size": 1024}
        assert path.with_name(f"{path.name}-wal").stat().st_size > 0


def test_a_killed_process_loses_ten_minutes_at_most(tmp_path: Path) -> None:
    """After SIGKILL all but the rows of the last ten minutes are there, and the file is whole."""
    script = textwrap.dedent("""
        import os, signal, sys
        from pathlib import Path
        sys.path.insert(0, sys.argv[2])
        from support.past import START, measured
        from optimizer.clock import SimulatedClock
        from optimizer.history.store import HistoryStore
        clock = SimulatedClock(START)
        store = HistoryStore(Path(sys.argv[1]), clock=clock)
        for second in range(0, 3600, 10):
            store.add_measurement(measured(second))
            clock.advance(10)
            if second and second % 600 == 0:
                store._flusher.wait(10)
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    path = tmp_path / "history.sqlite3"
    tests = str(Path(__file__).parent.parent)
    done = subprocess.run([sys.executable, "-c", script, str(path), tests], check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    with HistoryStore(path, clock=SimulatedClock(START)) as store:
        latest = store.latest_measurement()
        assert store.fault is None
        assert latest is not None
        assert latest.at >= START + timedelta(seconds=3590 - 600)


@pytest.mark.parametrize("content", [b"this is not a database" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_moved_aside_and_begun_anew(path: Path, clock: SimulatedClock, content: bytes) -> None:
    """What was there is kept beside, what comes now is written, and the fault says where the old one is."""
    path.parent.mkdir()
    path.write_bytes(content)
    with HistoryStore(path, clock=clock) as store:
        store.add_measurement(measured())
        store.flush()
        aside = path.with_name("history.sqlite3.corrupt-20260301T000000Z")
        assert aside.read_bytes() == content
        assert store.fault is not None
        assert str(aside) in store.fault
        assert stored_count(path) == 1


def test_a_file_damaged_while_in_use_loses_no_buffered_row(path: Path, clock: SimulatedClock) -> None:
    """Rows that wait go into the new file."""
    with HistoryStore(path, clock=clock) as store:
        store.add_measurement(measured())
        store.flush()
        store._database.close()
        path.write_bytes(b"\0" * 4096 + b"junk" * 1000)
        for companion in path.parent.glob("*-wal"):
            companion.unlink()
        store.add_measurement(measured(10))
        store.flush()
        assert store.latest_measurement() == measured(10)
        assert stored_count(path) == 1
        assert "moved to" in (store.fault or "")


def test_nothing_is_moved_when_recovery_is_off(path: Path, clock: SimulatedClock) -> None:
    """A command that is pointed at the wrong file leaves it alone and says so."""
    path.parent.mkdir()
    path.write_text("notes")
    with pytest.raises(HistoryError, match="not a readable history"):
        HistoryStore(path, clock=clock, recover=False)
    assert path.read_text() == "notes"


def test_a_full_disk_keeps_rows_in_memory_until_there_is_room(path: Path, clock: SimulatedClock) -> None:
    """Control is told nothing but the fault; means go on; nothing is lost once there is room again."""
    with HistoryStore(path, clock=clock) as store:
        fail_writes(store)
        for second in range(0, 1800, 10):
            store.add_measurement(measured(second, load=700.0))
        store.flush()
        assert store.fault is not None
        assert "free some space" in store.fault
        assert store.means(START, START + 2 * QUARTER, QUARTER).consumption_w.tolist() == [700.0, 700.0]
        store._database.read(lambda connection: connection.execute("PRAGMA max_page_count = 100000"))
        store.flush()
        assert store.fault is None
    assert stored_count(path) == 180


def test_a_folder_that_cannot_be_made_leaves_history_in_memory(tmp_path: Path, clock: SimulatedClock) -> None:
    """Where no file can be, reading and adding still work."""
    (tmp_path / "state").write_text("a file where the folder should be")
    store = HistoryStore(tmp_path / "state" / "history.sqlite3", clock=clock)
    for second in range(0, 900, 10):
        store.add_measurement(measured(second))
    store.add_decision(decided(900))
    assert "kept in memory only" in (store.fault or "")
    assert not np.isnan(store.means(START, START + QUARTER, QUARTER).consumption_w).any()
    assert store.latest_decision() == decided(900)
    assert store.prune(START) == (0, 0)
    assert store.summary().measurements == 0
    store.close()


def test_memory_is_bounded_and_the_loss_is_counted(tmp_path: Path, clock: SimulatedClock) -> None:
    """Past its capacity the oldest rows go, and the fault says how many."""
    (tmp_path / "state").write_text("")
    store = HistoryStore(tmp_path / "state" / "history.sqlite3", clock=clock, capacity=20)
    for second in range(50):
        store.add_measurement(measured(second))
    kept = store.measurements(START, START + DAY)
    assert [row.elapsed_s for row in kept] == [float(second) for second in range(30, 50)]
    assert "30 lost" in (store.fault or "")
    store.close()


def test_a_locked_file_is_a_fault_that_passes(path: Path, clock: SimulatedClock) -> None:
    """While another program holds the file rows wait; afterwards they are written."""
    with HistoryStore(path, clock=clock) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        store.add_measurement(measured())
        store.flush()
        assert "another program holds it" in (store.fault or "")
        other.execute("ROLLBACK")
        other.close()
        store.flush()
        assert store.fault is None
        assert stored_count(path) == 1


def test_a_newer_file_is_refused_with_advice(path: Path, clock: SimulatedClock) -> None:
    """A downgrade must not write into what it does not know."""
    HistoryStore(path, clock=clock).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(ForeignHistory, match=r"version 99.*install the newer sunshift"):
        HistoryStore(path, clock=clock)
    assert (path.read_bytes(), list(path.parent.iterdir())) == (before, [path])


def test_a_newer_file_that_turns_up_while_in_use_is_a_fault(path: Path, clock: SimulatedClock) -> None:
    """In mid-run nothing is raised at the control loop or the planner: rows wait in memory."""
    with HistoryStore(path, clock=clock) as store:
        store._database.close()
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA user_version = 99")
        connection.close()
        store.add_measurement(measured())
        assert store.latest_measurement() == measured()
        assert store.prune(START) == (0, 0)
        assert "version 99" in (store.fault or "")
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA user_version = 1")
        connection.close()
        store.flush()
        assert store.fault is None
    assert stored_count(path) == 1


def test_a_folder_that_is_deleted_in_mid_run_is_a_fault_until_it_is_back(path: Path, clock: SimulatedClock) -> None:
    """Nothing is written where no name leads to; the past can still be read, and in the end all of it is there."""
    with HistoryStore(path, clock=clock) as store:
        for second in range(0, 900, 10):
            store.add_measurement(measured(second, load=700.0))
        store.flush()
        shutil.rmtree(path.parent)
        store.add_measurement(measured(900, load=700.0))
        store.flush()
        assert "kept in memory only" in (store.fault or "")
        assert f"{path.parent} is gone; put the folder back" in (store.fault or "")
        assert not path.parent.exists()
        assert store.means(START, START + QUARTER, QUARTER).consumption_w.tolist() == [700.0]
        path.parent.mkdir()
        store.flush()
        assert store.fault is None
        assert stored_count(path) == 91
        store.add_measurement(measured(910))
        store.flush()
    assert stored_count(path) == 92
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_file_that_was_replaced_in_mid_run_is_gone_on_with(path: Path, clock: SimulatedClock) -> None:
    """A backup that was put in place is what counts, its write-ahead log included."""
    with HistoryStore(path, clock=clock) as store:
        store.add_measurement(measured())
        store.flush()
        backup = path.with_name("backup")
        shutil.copytree(path.parent, backup, ignore=shutil.ignore_patterns("backup"))
        assert (backup / f"{path.name}-wal").stat().st_size > 0
        for file in path.parent.glob("*sqlite3*"):
            file.unlink()
        for file in backup.iterdir():
            if not file.name.endswith("-shm"):
                file.rename(path.parent / file.name)
        store.add_measurement(measured(10))
        store.flush()
        assert store.fault is None
    assert stored_count(path) == 2


def test_a_disk_that_turns_read_only_in_mid_run_is_a_fault_that_passes(path: Path, clock: SimulatedClock) -> None:
    """Rows wait and the past can be read; what to do is said."""
    with HistoryStore(path, clock=clock) as store:
        store.add_measurement(measured())
        store.flush()
        store._database.read(lambda connection: connection.execute("PRAGMA query_only = ON"))
        store.add_measurement(measured(10))
        store.flush()
        assert "make the file and its folder writable" in (store.fault or "")
        assert len(store.measurements(START, START + DAY)) == 2
        store._database.read(lambda connection: connection.execute("PRAGMA query_only = OFF"))
        store.flush()
        assert store.fault is None
    assert stored_count(path) == 2


def test_another_programs_database_is_left_alone(path: Path, clock: SimulatedClock) -> None:
    """A SQLite file that is not a history is neither written nor moved."""
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()
    with pytest.raises(ForeignHistory, match="not a sunshift history"):
        HistoryStore(path, clock=clock)
    assert stored_count(path, "recipes") == 0


def test_records_of_one_instant_are_all_kept(path: Path, clock: SimulatedClock) -> None:
    """A clock that stands still or is set back costs no record; the same record told twice is one."""
    with HistoryStore(path, clock=clock) as store:
        store.add_measurement(measured(load=1.0))
        store.add_measurement(measured(load=2.0))
        store.add_measurement(measured(load=2.0))
        store.add_decision(decided(reason="first"))
        store.flush()
        store.add_decision(decided(reason="second"))
        store.add_measurement(measured(load=2.0))
        store.flush()
        assert [row.consumption_w for row in store.measurements(START, START + DAY)] == [1.0, 2.0]
        assert [row.reason for row in store.decisions(START, START + DAY)] == ["first", "second"]


def test_telling_and_closing_do_not_wait_for_a_disk_that_hangs(path: Path, clock: SimulatedClock) -> None:
    """While a write hangs, adding goes on and even closing ends."""
    store = HistoryStore(path, clock=clock)
    hanging, release = threading.Event(), threading.Event()

    def hang() -> None:
        with store._database.lock:
            hanging.set()
            release.wait(60)

    def tell_and_close() -> None:
        for second in range(0, 3600, 10):
            store.add_measurement(measured(second))
            clock.advance(10)
        store.close()

    disk, control = threading.Thread(target=hang), threading.Thread(target=tell_and_close)
    disk.start()
    hanging.wait(10)
    control.start()
    control.join(30)
    assert not control.is_alive()
    release.set()
    disk.join(10)
    store.close()
    assert stored_count(path) == 360


def test_readers_and_writers_work_at_once(path: Path, clock: SimulatedClock) -> None:
    """A planning thread that reads while the control thread writes sees whole rows and no error."""
    errors: list[BaseException] = []
    stop = threading.Event()
    with HistoryStore(path, clock=clock) as store:

        def read() -> None:
            try:
                while not stop.is_set():
                    load = store.means(START, START + timedelta(hours=3), QUARTER).consumption_w
                    assert set(load[~np.isnan(load)]) <= {500.0}
                    store.decisions(START, START + DAY)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=read) for _ in range(2)]
        for thread in threads:
            thread.start()
        for second in range(0, 10800, 10):
            row = measured(second)
            store.add_measurement(row)
            store.add_decision(decided(second, measurement=row))
            clock.advance(10)
        stop.set()
        for thread in threads:
            thread.join(30)
        assert errors == []
        assert store.fault is None
        assert len(store.decisions(START, START + DAY)) == 1080


def test_pruning_drops_readings_and_keeps_means(path: Path, clock: SimulatedClock) -> None:
    """After the retention the means of that time are the same as before, at any step that five minutes divide."""
    with HistoryStore(path, clock=clock) as store:
        for second in range(0, 2 * 3600, 20):
            store.add_measurement(measured(second, load=float(second % 700)))
            store.add_decision(decided(second))
        end = START + timedelta(hours=2)
        before = store.means(START, end, QUARTER)
        dropped = store.prune(START + timedelta(hours=1, minutes=2))
        assert dropped == (180, 180)
        assert len(store.decisions(START, end)) == 180
        np.testing.assert_allclose(store.means(START, end, QUARTER).values, before.values, atol=1e-5)
        fine = store.means(START, end, timedelta(minutes=1))
        assert fine.consumption_w.mean() == pytest.approx(before.consumption_w.mean(), abs=1.0)


def test_the_file_stays_small(path: Path, clock: SimulatedClock) -> None:
    """A day of polls and decisions every 10 s takes less than 5 MiB."""
    with HistoryStore(path, clock=clock) as store:
        hour = 360
        for number in range(2 * hour):
            row = measured(number * 10, load=float(number % 3000), reported_grid_power_w=120.0, soc=0.57)
            store.add_measurement(row)
            store.add_decision(decided(number * 10, measurement=row, reason="x" * 90, wanted_power_w=-123.4))
        summary = store.summary()
        assert summary.measurements == 2 * hour
        assert summary.decisions == 2 * hour
    assert path.stat().st_size * 12 < 5 * 2**20


def test_open_files_are_let_go(path: Path, clock: SimulatedClock) -> None:
    """Opening and closing many times leaves no descriptor and no thread behind."""
    for _ in range(3):
        with HistoryStore(path, clock=clock) as store:
            store.add_measurement(measured())
    descriptors = open_descriptors()
    threads = threading.active_count()
    for _ in range(10):
        with HistoryStore(path, clock=clock) as store:
            for number in range(600):
                store.add_measurement(measured(number))
    assert threading.active_count() == threads
    assert open_descriptors() <= descriptors

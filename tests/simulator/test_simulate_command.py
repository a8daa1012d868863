"""``sunshift simulate`` as a person starts it."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from optimizer.cli.main import main
from optimizer.simulator.fault import FaultKind
from optimizer.simulator.switches import SWITCHES


@contextmanager
def started(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the command in a process of its own; yield it and what it said by the time it serves."""
    command = [sys.executable, "-m", "optimizer", "simulate", "--port", "0", "--v2-port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = ""
            while "Ctrl-C ends it." not in said:
                line = process.stdout.readline()
                assert line, process.stderr.read() if process.stderr else ""
                said += line
            yield process, said
        finally:
            process.kill()


def ask(said: str, method: str, path: str) -> bytes:
    port = re.search(r"curl http://127\.0\.0\.1:(\d+)/api/v1/status", said)
    assert port is not None, said
    connection = http.client.HTTPConnection("127.0.0.1", int(port[1]), timeout=5)
    try:
        connection.request(method, path)
        return connection.getresponse().read()
    finally:
        connection.close()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_serves_until_it_is_ended_and_sums_up(tmp_path: Path, ending: signal.Signals) -> None:
    """It says where it listens and how to talk to it, serves, and ends cleanly with a summary and a whole log."""
    log = tmp_path / "requests.jsonl"
    with started("--speed", "600", "--firmware", "2016", "--soc", "0.4", "--log", str(log)) as (process, said):
        assert ask(said, "PUT", "/api/v1/setpoint/charge/1000") == b'{"ReturnCode":"0"}'
        assert json.loads(ask(said, "GET", "/api/v1/status"))["USOC"] in range(35, 60)
        assert ask(said, "GET", "/api/setting?EM_OperatingMode=2") == b'{"EM_OperatingMode":"2"}'
        process.send_signal(ending)
        rest, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")
    assert "3 requests" in rest
    assert [json.loads(line)["method"] for line in log.read_text(encoding="utf-8").splitlines()] == [
        "PUT",
        "GET",
        "GET",
    ]


def test_recording_with_a_gap_is_used_where_it_is_whole(tmp_path: Path) -> None:
    """A recording with a long gap runs on its longest whole stretch, and says so."""
    rows = [
        f"2016-05-{1 + hour // 24:02}T{hour % 24:02}:00:00Z,{'' if 20 <= hour < 30 else 300},0" for hour in range(96)
    ]
    recording = tmp_path / "home.csv"
    recording.write_text("timestamp,consumption_w,production_w\n" + "\n".join(rows) + "\n", encoding="utf-8")
    with started("--recording", str(recording), "--steady", "--no-mode-control", "--no-v2") as (_, said):
        assert "longest stretch without, 2016-05-02 to 2016-05-05" in said
        assert json.loads(ask(said, "GET", "/api/v1/status"))["Consumption_W"] == 300
        assert b"ReturnCode" in ask(said, "GET", "/api/setting?EM_OperatingMode=2")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--soc", "1.5"], "expected a number from 0 to 1, got '1.5'"),
        (["--port", "70000"], "expected a number from 0 to 65535"),
        (["--speed", "nan"], "expected a number from 0.001"),
        (["--timezone", "Mars/Base"], "no time zone 'Mars/Base'"),
        (["--firmware", "1999"], "invalid choice"),
        (["--nightly-restart", "25:00"], "--nightly-restart"),
        (["--quirk", "put-olny"], "did you mean 'put-only'"),
        (["--time-of-use", "[{}]"], "no schedule: an entry has start, stop and threshold_p_max"),
        (["--modules", "1.5"], "expected a number from 1 to 6"),
    ],
)
def test_bad_arguments_are_usage_errors(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A value that makes no sense ends with exit code 2 and says what is expected."""
    with pytest.raises(SystemExit) as ended:
        main(["simulate", *arguments])
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err


def test_bad_fault_script_ends_with_its_complaints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A fault script with a mistake is refused before anything listens."""
    script = tmp_path / "faults.toml"
    script.write_text('[[fault]]\nkind = "drop"\n', encoding="utf-8")
    assert main(["simulate", "--port", "0", "--v2-port", "0", "--faults", str(script)]) == 1
    assert "line 1, fault 1: kind: unknown 'drop', did you mean 'drip'?" in capsys.readouterr().err


def test_model_quirks_schedule_and_room_reach_the_unit() -> None:
    """An eco 8 of one module in a cold room, with a quirk, is what answers."""
    schedule = '[{"start":"00:00","stop":"24:00","threshold_p_max":0}]'
    arguments = ["--model", "eco8", "--modules", "1", "--quirk", "missing=Uac", "--quirk", "put-only"]
    with started(*arguments, "--mode", "time_of_use", "--time-of-use", schedule, "--ambient-c", "-20") as (_, said):
        assert "A simulated battery of 2.25 kWh" in said
        status = json.loads(ask(said, "GET", "/api/v1/status"))
        assert "Uac" not in status
        assert status["OperatingMode"] == "10"
        assert b"16" in ask(said, "GET", "/api/v1/setpoint/charge/1")


def test_model_without_such_a_number_of_modules_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A size that is not sold ends with exit code 1 and says what is."""
    assert main(["simulate", "--port", "0", "--model", "sb10", "--modules", "6"]) == 1
    assert "a sb10 has 1 to 5 modules, not 6" in capsys.readouterr().err


def test_help_lists_quirks_and_faults(capsys: pytest.CaptureFixture[str]) -> None:
    """Every switch and every kind of fault stands in the help."""
    with pytest.raises(SystemExit):
        main(["simulate", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert [name for name in (*SWITCHES, *FaultKind) if name not in told] == []

"""What the way back reads of a configuration, however little of it is sound, and what it says of the rest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from optimizer.errors import ConfigError
from optimizer.release.config import configured_token, names_hand_back_mode, only_observes, target_from_config
from optimizer.release.tables import read_table
from optimizer.release.target import ReleaseTarget
from optimizer.release.tokens import TOKEN_FILE_NAME, token_left_for, token_of_settings
from optimizer.release.word import NOTHING_TO_RELEASE, needs_release, was_refused

HOST = "[battery]\nhost = '10.0.0.1'\n"


def read(folder: Path, text: str | bytes, **environ: str) -> ReleaseTarget:
    path = folder / "sunshift.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return target_from_config(path, environ)


def problems(folder: Path, text: str, **environ: str) -> list[tuple[str, str]]:
    with pytest.raises(ConfigError) as caught:
        read(folder, text, **environ)
    return [(problem.path, problem.message) for problem in caught.value.problems]


# -- whether there is anything to release ---------------------------------------------------------------------------


def test_a_release_is_due_until_the_service_says_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its word counts in any of systemd's runtime folders; without folders, as by hand, nobody can have said it."""
    assert needs_release(None)
    assert needs_release(tmp_path)
    assert needs_release(tmp_path / "none")
    assert needs_release(tmp_path / ("x" * 300))
    assert needs_release(tmp_path / "\udc80\0")
    (tmp_path / NOTHING_TO_RELEASE).touch()
    assert not needs_release(tmp_path)


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ({"EXIT_STATUS": "69"}, True),
        ({"MONITOR_EXIT_STATUS": "69"}, True),
        ({"EXIT_STATUS": "70"}, False),
        ({"EXIT_STATUS": "TERM"}, False),
        ({}, False),
    ],
)
def test_systemd_says_that_a_service_was_refused(said: dict[str, str], *, refused: bool) -> None:
    """To what runs after it; in doubt it was not."""
    assert was_refused(said) is refused


# -- the battery ----------------------------------------------------------------------------------------------------


def test_only_the_address_is_needed(tmp_path: Path) -> None:
    """Everything else is as the service takes it by default."""
    assert read(tmp_path, HOST) == ReleaseTarget(driver="sonnen_v1", host="10.0.0.1", port=8080)


def test_the_environment_is_that_of_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless another one is given."""
    monkeypatch.setenv("SUNSHIFT_BATTERY__HOST", "10.0.0.9")
    assert target_from_config(tmp_path / "none.toml").host == "10.0.0.9"
    assert read(tmp_path, HOST).host == "10.0.0.1"


@pytest.mark.parametrize(
    ("written", "host"), [(" [fe80::1] ", "fe80::1"), ("BOX", "BOX"), ("XERXES.local", "XERXES.local")]
)
def test_an_address_may_stand_in_brackets(written: str, host: str, tmp_path: Path) -> None:
    """As IPv6 addresses do in URLs; a name is taken as it is."""
    assert read(tmp_path, f"[battery]\nhost = '{written}'\n").host == host


@pytest.mark.parametrize("port", ["1", "80", "8080", "65535", "00080"])
def test_a_port_is_a_number_that_fits(port: str, tmp_path: Path) -> None:
    """As a number or as text from the environment."""
    assert read(tmp_path, HOST, SUNSHIFT_BATTERY__PORT=port).port == int(port)


@pytest.mark.parametrize("written", ['"81"', '" 81 "', "81.0", '"8_1"'])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_port_is_read_as_the_service_reads_it(written: str, mark: bytes, tmp_path: Path) -> None:
    """However it is written, and with the mark that some editors put before a file."""
    path = tmp_path / "sunshift.toml"
    path.write_bytes(mark + f'[battery]\nhost = "10.0.0.5"\nport = {written}\nmode_control = 1.0\n'.encode())
    target = target_from_config(path, {})
    assert (target.host, target.port, target.mode_control) == ("10.0.0.5", 81, True)


@pytest.mark.parametrize("port", ["65536", "99999", "000080", "-1", "8 0", "8080.5", "x", ""])
def test_a_number_that_is_no_port_is_told(port: str, tmp_path: Path) -> None:
    """With what was written there."""
    assert problems(tmp_path, HOST, SUNSHIFT_BATTERY__PORT=port) == [("battery.port", f"{port!r} is not a port")]


@pytest.mark.parametrize(
    ("said", "means"),
    [(yes, True) for yes in ("true", "True", " TRUE ", "1", "yes", "on", "y", "t", "YES", "On")]
    + [(no, False) for no in ("false", "0", "no", "off", "", "x1x", "none")],
)
def test_every_yes_of_the_environment_is_one(said: str, means: bool, tmp_path: Path) -> None:
    """The words that the service takes for true; anything else is no."""
    assert read(tmp_path, HOST, SUNSHIFT_BATTERY__MODE_CONTROL=said).mode_control is means


def test_each_problem_says_what_would_be_right(tmp_path: Path) -> None:
    """A person may see this first in a journal."""
    assert problems(tmp_path, "[battery]\ndriver = 'sonen'\nhand_back_mode = 'manual'\n") == [
        ("battery.driver", "'sonen' is none of sonnen_v1, sonnen_v2, simulated"),
        ("battery.host", "is missing: give the battery's address"),
        ("battery.hand_back_mode", "'manual' is none of automatic, time_of_use, backup"),
    ]


def test_a_simulated_battery_needs_neither_file_nor_address(tmp_path: Path) -> None:
    """It is in the service's own process."""
    found = target_from_config(tmp_path / "none.toml", {"SUNSHIFT_BATTERY__DRIVER": "simulated"})
    assert found == ReleaseTarget(driver="simulated")
    assert read(tmp_path, "[battery]\ndriver = 'simulated'\n") == found


def test_a_table_in_the_environment_lies_between_the_file_and_single_values(tmp_path: Path) -> None:
    """In any case of its name; other variables say nothing."""
    file = HOST + "port = 81\nhand_back_mode = 'backup'\n"
    whole = {"Sunshift_Battery": '{"host": "10.0.0.2", "port": 82}', "SUNSHIFT_SERVICE": '{"host": "10.0.0.3"}'}
    found = read(tmp_path, file, HOME="/root", SUNSHIFT_BATTERY__PORT="83", **whole)
    assert found == ReleaseTarget(driver="sonnen_v1", host="10.0.0.2", port=83, hand_back_mode="backup")
    assert read_table(None, "battery", whole) == ({"host": "10.0.0.2", "port": 82}, "")


def test_a_file_that_is_not_there_is_told_with_what_to_do(tmp_path: Path) -> None:
    """A person may have mistyped it."""
    told = "no such file; give the service's own configuration with --config"
    assert read_table(tmp_path / "none.toml", "battery", {}) == ({}, told)


# -- the token ------------------------------------------------------------------------------------------------------


def test_a_battery_without_tokens_gets_none(tmp_path: Path) -> None:
    """What V1 does not ask for is not sent to it."""
    (tmp_path / "token").write_text("0123456789")
    assert read(tmp_path, HOST + "token_file = 'token'\n").token == ""


V2 = HOST + "driver = 'sonnen_v2'\n"


def test_a_missing_token_is_told_with_where_it_was_looked_for(tmp_path: Path) -> None:
    """Where no place was named, that one should be."""
    missing = "is missing: name the file that holds the token"
    assert problems(tmp_path, V2) == [("battery.token_file", missing)]
    gone = f"{tmp_path / 'run' / 'sunshift-token'} cannot be read (No such file or directory)"
    assert problems(tmp_path, V2, RUNTIME_DIRECTORY=str(tmp_path / "run")) == [
        ("battery.token_file", f"{missing}; {gone}")
    ]


def test_a_token_is_plain_text(tmp_path: Path) -> None:
    """Other letters cannot be sent, and are not quoted."""
    (tmp_path / "token").write_text("tökentöken", encoding="utf-8")
    assert problems(tmp_path, V2 + "token_file = 'token'\n") == [
        ("battery.token_file", f"{tmp_path / 'token'} holds more than plain text")
    ]


def test_a_path_that_is_none_is_told_as_that(tmp_path: Path) -> None:
    """TOML allows a null character in a text."""
    told = problems(tmp_path, V2 + 'token_file = "a\\u0000b"\n')
    assert [(key, message.rpartition(" ")[2]) for key, message in told] == [("battery.token_file", "path")]
    assert told[0][1].endswith("b is no path")


def test_the_credentials_may_lie_in_any_of_several_folders(tmp_path: Path) -> None:
    """The first that has the token has it."""
    for number in (2, 3):
        (tmp_path / f"{number}").mkdir()
        (tmp_path / f"{number}" / TOKEN_FILE_NAME).write_text(f"token-{number}")
    folders = ":".join(str(tmp_path / f"{number}") for number in (1, 2, 3))
    assert read(tmp_path, V2, CREDENTIALS_DIRECTORY=folders).token == "token-2"


COPY = "of-the-service"


@pytest.mark.parametrize(
    ("copy", "of_settings", "left"),
    [
        (f"{COPY} 10.0.0.1", COPY, COPY),
        (f"{COPY} 10.0.0.1 more", COPY, COPY),
        (COPY, COPY, ""),
        (f"{COPY} 10.0.0.2", "", ""),
        ("10.0.0.1", "10.0.0.1", ""),
        ("", "", ""),
    ],
)
def test_a_copy_of_the_token_is_one_batterys(copy: str, of_settings: str, left: str, tmp_path: Path) -> None:
    """By its second word; one without is an earlier version's, and good for the configured battery alone."""
    (tmp_path / TOKEN_FILE_NAME).write_text(copy)
    assert token_left_for("10.0.0.1", tmp_path) == left
    found, why = token_of_settings({}, tmp_path, {}, [tmp_path], "10.0.0.1")
    assert found == of_settings
    told = "is of another battery" if copy else "is empty"
    missing = f"is missing: name the file that holds the token; {tmp_path / TOKEN_FILE_NAME} {told}"
    assert why == ("" if found else missing)


def test_without_a_runtime_folder_no_token_was_left() -> None:
    """As none in a folder that is empty."""
    assert token_left_for("10.0.0.1", None) == ""
    assert token_left_for("10.0.0.1", Path("/nowhere")) == ""


def test_a_copy_is_looked_for_in_the_services_own_folder(tmp_path: Path) -> None:
    """And is the configured battery's where host and port are."""
    (tmp_path / TOKEN_FILE_NAME).write_text(f"{COPY} 10.0.0.1:18080")
    own = f'{V2}port = 18080\n[service]\nruntime_dir = "{tmp_path}"\n'
    assert read(tmp_path, own).token == COPY
    assert problems(tmp_path, own.replace("18080", "18081"))[0][0] == "battery.token_file"


@pytest.mark.parametrize("port", ["x", "9" * 5000])
def test_a_port_that_is_none_is_told_beside_a_missing_token(port: str, tmp_path: Path) -> None:
    """All that is to be put right at once."""
    told = problems(tmp_path, V2, SUNSHIFT_BATTERY__PORT=port)
    assert [key for key, _ in told] == ["battery.port", "battery.token_file"]


# -- a file of which not all is sound -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        b"# f\xfcr Z\xfcrich\n[battery]\nhost = '10.0.0.1'\n",
        b"[site\n[battery]# ours\nhost = '10.0.0.1'\n",
        b"[site\n[battery]   # ours\nhost = '10.0.0.1'\n",
        b"[site\n  [battery]\n  host = '10.0.0.1'\n",
        b"[site\n[ battery ]\nhost = '10.0.0.1'\n",
        b"host = '10.0.0.2'\n[site\n[battery]\nhost = '10.0.0.1'\n",
        b"[site\n[battery]\nhost = '10.0.0.1'\n  [grid]\nhost = '10.0.0.2'\n",
    ],
)
def test_the_battery_is_found_in_what_can_be_read(text: bytes, tmp_path: Path) -> None:
    """Whatever the encoding, the comments and the blanks around it, and wherever else a host is named."""
    assert read(tmp_path, text).host == "10.0.0.1"


@pytest.mark.parametrize("text", ["host = '10.0.0.2'\n[site\n", "battery = 1\n", "battery = ['10.0.0.2']\n", ""])
def test_what_is_no_table_of_the_battery_is_none(text: str, tmp_path: Path) -> None:
    """Then its address is what is missing."""
    assert problems(tmp_path, text) == [("battery.host", "is missing: give the battery's address")]


@pytest.mark.parametrize("whole", ["[1]", "3", "null", "{", " ", ""])
def test_a_table_from_the_environment_that_is_none_is_passed_over(whole: str, tmp_path: Path) -> None:
    """The file still has it."""
    assert read(tmp_path, HOST, SUNSHIFT_BATTERY=whole).host == "10.0.0.1"


# -- what else is asked of it ---------------------------------------------------------------------------------------


def written(folder: Path, text: str) -> Path:
    path = folder / "sunshift.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "environ", "named"),
    [
        (HOST, {}, False),
        (HOST + 'hand_back_mode = "backup"\n', {}, True),
        (HOST + 'hand_back_mode = "automatic"\n', {}, True),
        (HOST + "hand_back_mode = backup\n", {}, False),
        (HOST + 'hand_back_mod = "backup"\n', {}, False),
        (HOST + 'hand_back_mode = "of mine"\n', {}, False),
        (HOST, {"SUNSHIFT_BATTERY__HAND_BACK_MODE": "time_of_use"}, True),
    ],
)
def test_a_mode_to_hand_back_to_is_named_or_it_is_not(
    text: str, environ: dict[str, str], named: bool, tmp_path: Path
) -> None:
    """In words that can be understood; a default is nobody's word."""
    assert names_hand_back_mode(written(tmp_path, text), environ) is named


@pytest.mark.parametrize(
    ("text", "environ", "observes"),
    [
        (HOST, {}, False),
        ("[control]\nobserve = true\n", {}, True),
        ("[control]\nobserve = false\n", {}, False),
        ("[battery]\nobserve = true\n", {}, False),
        ("[control]\nobserve = true\n", {"SUNSHIFT_CONTROL__OBSERVE": "no"}, False),
        (HOST, {"SUNSHIFT_CONTROL__OBSERVE": "yes"}, True),
    ],
)
def test_a_configuration_says_whether_it_only_observes(
    text: str, environ: dict[str, str], observes: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As everywhere the environment lies over the file: the one that is given, or that of the process."""
    path = written(tmp_path, text)
    assert only_observes(path, environ) is observes
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert only_observes(path) is observes


OVER_V2 = ReleaseTarget(driver="sonnen_v2", host="10.0.0.1", port=80)


@pytest.mark.parametrize(
    ("battery", "host", "environ", "found"),
    [
        (OVER_V2, 'host = "10.0.0.1"', {}, "the-token"),
        (OVER_V2, 'host = "[10.0.0.1]"', {}, "the-token"),
        (OVER_V2, 'host = "10.0.0.2"', {}, ""),
        (OVER_V2, 'hots = "10.0.0.1"', {}, ""),
        (OVER_V2, "", {"SUNSHIFT_BATTERY__HOST": "10.0.0.1"}, "the-token"),
        (replace(OVER_V2, host=""), "", {}, "the-token"),
        (replace(OVER_V2, host="XBOX"), 'host = "XBOX"', {}, "the-token"),
        (replace(OVER_V2, port=8081), 'host = "10.0.0.1"', {}, "the-token"),
        (replace(OVER_V2, driver="sonnen_v1", port=8080), 'host = "10.0.0.1"', {}, ""),
    ],
)
def test_the_configured_token_is_that_of_the_configured_host(
    battery: ReleaseTarget, host: str, environ: dict[str, str], found: str, tmp_path: Path
) -> None:
    """Whatever the file says of driver and port; another host is another battery."""
    token = tmp_path / "token"
    token.touch(mode=0o600)
    token.write_text("the-token")
    path = written(tmp_path, f'[battery]\ndriver = sonnen_v2\ntoken_file = "{token}"\n{host}\n')
    assert configured_token(battery, path, environ) == found


def test_the_credential_of_the_unit_serves_as_well(tmp_path: Path) -> None:
    """It is looked for in the service's own runtime folder, for the battery that is asked for."""
    runtime = tmp_path / "run"
    runtime.mkdir()
    (runtime / TOKEN_FILE_NAME).write_text("left-for-it 10.0.0.1\n")
    path = written(tmp_path, HOST)
    assert configured_token(OVER_V2, path, {"RUNTIME_DIRECTORY": str(runtime)}) == "left-for-it"

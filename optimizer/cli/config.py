"""``sunshift config init`` writes a commented configuration, ``sunshift config show`` tells the effective one."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from optimizer.assembly.configuration import Configuration, load_configuration
from optimizer.errors import SunshiftError
from optimizer.settings.effective import EffectiveValue, effective_values
from optimizer.settings.examples import companions, example_names, example_path
from optimizer.settings.reference import reference_toml


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``init`` and ``show``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    init = actions.add_parser("init", help="write a commented configuration", description="Write a configuration.")
    init.add_argument("--out", type=Path, metavar="FILE", help="where to write it (default: standard output)")
    init.add_argument(
        "--example", metavar="NAME", help=f"a ready example instead of the full reference: {', '.join(example_names())}"
    )
    init.add_argument("--force", action="store_true", help="overwrite what is there")
    show = actions.add_parser(
        "show", help="tell the effective values and where each came from", description="Tell the effective values."
    )
    show.add_argument("--config", type=Path, metavar="FILE", required=True, help="the configuration file")
    show.add_argument("--json", action="store_true", help="one JSON document instead of a table")


def run(arguments: argparse.Namespace) -> int:
    """Run the action asked for."""
    if arguments.action == "init":
        _init(arguments.out, arguments.example, force=arguments.force)
    else:
        _show(load_configuration(arguments.config), as_json=arguments.json)
    return 0


def _init(out: Path | None, example: str | None, *, force: bool) -> None:
    source = None if example is None else example_path(example)
    text = reference_toml() if source is None else source.read_text(encoding="utf-8")
    beside = [] if source is None else companions(source)
    if out is None:
        print(text, end="")
        return
    copies = {path: out.parent / path.name for path in beside}
    _refuse_to_overwrite([out, *copies.values()], force=force)
    _write(out, text)
    for original, copy in copies.items():
        shutil.copyfile(original, copy)
        if "token" in copy.name:
            copy.chmod(0o600)
    written = ", ".join(map(str, [out, *copies.values()]))
    print(f"wrote {written}; fill in your values, then run `sunshift check --config {out}`", file=sys.stderr)


def _refuse_to_overwrite(paths: list[Path], *, force: bool) -> None:
    folder = next((path for path in paths if path.is_dir()), None)
    if folder is not None:
        msg = f"{folder} is a folder; name the file to write, such as {folder / 'sunshift.toml'}"
        raise SunshiftError(msg)
    there = [str(path) for path in paths if path.exists()]
    if there and not force:
        msg = f"{', '.join(there)} exists already; choose another place, or overwrite with --force"
        raise SunshiftError(msg)


def _write(path: Path, text: str) -> None:
    """Write all of it or nothing."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        msg = f"{path} cannot be written ({error.strerror}); check the folder, its owner and mode"
        raise SunshiftError(msg) from error


def _show(configuration: Configuration, *, as_json: bool) -> None:
    values = list(effective_values(configuration.settings, configuration.origin))
    if as_json:
        print(json.dumps(_document(configuration, values), indent=2, ensure_ascii=False))
    elif sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        Console().print(_table(configuration, values))
    else:
        print(_plain(configuration, values))


def _document(configuration: Configuration, values: list[EffectiveValue]) -> dict[str, Any]:
    return {
        "file": None if configuration.path is None else str(configuration.path),
        "values": [{"path": ".".join(value.path), "value": value.value, "origin": value.origin} for value in values],
    }


def _table(configuration: Configuration, values: list[EffectiveValue]) -> Table:
    table = Table(title=configuration.source, title_justify="left", box=None, pad_edge=False)
    for heading in ("key", "value", "from"):
        table.add_column(heading, overflow="fold")
    for section, members in groupby(values, key=lambda value: value.section):
        table.add_row(f"[bold]\\[{section}][/bold]")
        for value in members:
            style = "dim" if value.origin == "default" else ""
            table.add_row(f"  {value.key}", escape(_text(value.value)), value.origin, style=style)
    return table


def _plain(configuration: Configuration, values: list[EffectiveValue]) -> str:
    lines = [f"# {configuration.source}"]
    for section, members in groupby(values, key=lambda value: value.section):
        lines.append(f"\n[{section}]")
        lines.extend(
            f"{'# ' if value.value is None else ''}{value.key} = {_text(value.value)}  # {value.origin}"
            for value in members
        )
    return "\n".join(lines)


def _text(value: Any) -> str:
    """Return a value as TOML writes it."""
    if value is None:
        return "not set"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_text(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False)

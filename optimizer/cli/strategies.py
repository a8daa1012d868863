"""``sunshift strategies``: the installed strategies with their parameters."""

from __future__ import annotations

import argparse
import json
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from optimizer.control.registry import StrategyEntry, installed_strategies


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: argparse.Namespace) -> int:
    """List the strategies; broken ones with what is wrong with them."""
    entries = installed_strategies()
    if arguments.json:
        print(json.dumps({"strategies": [_as_json(entry) for entry in entries.values()]}, indent=2))
        return 0
    print("\n\n".join(_as_text(entry) for entry in entries.values()) or "no strategy is installed")
    return 0


def _as_json(entry: StrategyEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "origin": entry.origin,
        "description": entry.description,
        "error": entry.error,
        "parameters": [] if entry.parameters is None else _parameters(entry.parameters),
    }


def _parameters(schema: type[BaseModel]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "type": type_name(field.annotation),
            "default": _plain(field),
            "description": field.description or "",
        }
        for name, field in schema.model_fields.items()
    ]


def _plain(field: FieldInfo) -> Any:
    """Return a default as JSON knows it; whatever else a plug-in has as default is shown in words."""
    default = field.get_default(call_default_factory=True, validated_data={})
    return default if isinstance(default, str | int | float | bool | list | dict | None) else str(default)


def type_name(annotation: Any) -> str:
    """Return a type in words, such as ``float or none``."""
    if annotation is type(None):
        return "none"
    if get_origin(annotation) in (Union, type(int | None)):
        return " or ".join(type_name(part) for part in get_args(annotation))
    return annotation.__name__ if isinstance(annotation, type) and not get_args(annotation) else str(annotation)


def _as_text(entry: StrategyEntry) -> str:
    lines = [f"{entry.name}  ({entry.origin})"]
    if entry.error is not None:
        lines.append(f"  cannot be used: {entry.error}")
    else:
        lines.append(f"  {entry.description}")
        parameters = [] if entry.parameters is None else _parameters(entry.parameters)
        for one in parameters:
            default = "absent" if one["default"] is None else json.dumps(one["default"])
            lines.append(f"    {one['name']} = {default}  ({one['type']})")
            lines.append(f"        {one['description']}")
    return "\n".join(lines)

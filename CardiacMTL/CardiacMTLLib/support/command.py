"""Option and command of `cardiacmtl` for support: `--log-file` and `support-bundle`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from CardiacMTLLib.path_text import path_argument


def add_log_option(parser: argparse.ArgumentParser) -> None:
    """Add `--log-file` to a command."""
    parser.add_argument(
        "--log-file",
        type=path_argument,
        metavar="FILE",
        help="add what happens to FILE as lines of JSON, without paths and patients",
    )


def add_support_command(add_parser: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the command `support-bundle`."""
    bundle = add_parser("support-bundle", help="pack versions, devices and models for a support request", allow_abbrev=False)
    bundle.add_argument("--out", type=path_argument, metavar="FILE", help="the zip to write (cardiacmtl-support-DATE.zip)")
    bundle.add_argument(
        "--with-log", type=path_argument, metavar="FILE", help="a log file of --log-file whose events go with it"
    )


def support_bundle(arguments: argparse.Namespace) -> str:
    """Write the bundle; what is printed."""
    from CardiacMTLLib.support.bundle import write_bundle  # noqa: PLC0415 - other commands do not need it

    out = arguments.out or Path(f"cardiacmtl-support-{datetime.now(UTC):%Y%m%d-%H%M%S}.zip")
    write_bundle(out, arguments.with_log)
    return f"{out}: versions, devices and models, without paths and patients; read it before you pass it on"

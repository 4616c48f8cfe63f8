"""`cardiacmtl send` and `cardiacmtl echo`: their options, what they do, and what they print."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from CardiacMTLLib.errors import UsageError
from CardiacMTLLib.path_text import path_argument

if TYPE_CHECKING:
    from collections.abc import Callable

    from CardiacMTLLib.pacs.node import Node
    from CardiacMTLLib.pacs.outcome import FileResult, SendResult
    from CardiacMTLLib.report.terminal import Terminal

_OPTIONS = ("to", "called_ae", "calling_ae", "timeout_s", "tls_ca", "tls_cert", "tls_key", "tls_name")
"""Options that describe a node, in place of a file that does."""


def add_commands(add_parser: Callable[..., argparse.ArgumentParser]) -> None:
    """Add both commands; `add_parser` is that of the program's subparsers."""
    send = add_parser(
        "send",
        help="send DICOM files to a PACS",
        description="Send DICOM files to a PACS (C-STORE). Sending again doubles nothing.",
        allow_abbrev=False,
    )
    send.add_argument(
        "paths", type=path_argument, nargs="+", metavar="PATH", help="DICOM files, and folders of which all DICOM is sent"
    )
    echo = add_parser("echo", help="ask a PACS whether it answers", description="C-ECHO to a PACS.", allow_abbrev=False)
    for parser in (send, echo):
        _add_node_options(parser)


def _add_node_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--node", type=path_argument, metavar="FILE", help="the node as a JSON file, instead of the options below"
    )
    parser.add_argument("--to", metavar="HOST:PORT", help="address of the node; an IPv6 host in brackets")
    parser.add_argument("--called-ae", metavar="TITLE", help="AE title of the node")
    parser.add_argument("--calling-ae", metavar="TITLE", help="AE title of this side (CARDIACMTL)")
    parser.add_argument(
        "--timeout-s", type=float, metavar="S", help="patience for each answer, transfer of the file included (60)"
    )
    parser.add_argument("--tls-ca", metavar="FILE", help="encrypt; PEM file of whoever vouches for the node's certificate")
    parser.add_argument("--tls-cert", metavar="FILE", help="certificate of this side (PEM), where the node asks for one")
    parser.add_argument("--tls-key", metavar="FILE", help="its key, without passphrase (PEM)")
    parser.add_argument("--tls-name", metavar="NAME", help="name in the node's certificate, where it is not HOST")


def echo(arguments: argparse.Namespace) -> str:
    """Do `echo`; raises `NodeError` where the node does not answer."""
    from CardiacMTLLib.pacs.send import echo as ask  # noqa: PLC0415 - pydicom is slow to import

    node = node_of(arguments)
    ask(node)
    return f"{node} answers"


def send(arguments: argparse.Namespace, terminal: Terminal) -> tuple[str, int]:
    """Do `send`; what it prints, and the exit status: 1 where the node has not all files.

    Raises `NodeError` where there is no association.
    """
    from CardiacMTLLib.pacs.instances import find_instances  # noqa: PLC0415 - pydicom is slow to import
    from CardiacMTLLib.pacs.send import SEND_AGAIN, send_files  # noqa: PLC0415

    node = node_of(arguments)
    found = find_instances(arguments.paths)
    result = send_files(
        found.instances, node, progress=lambda done, total: terminal.progress(f"sent {done} of {total} files", done / total)
    )
    for file in result.warnings:
        terminal.line(f"warning: {file.path}: {file.reason}")
    for file in result.remaining:
        terminal.line(f"not stored: {file.path}: {file.reason}")
    counts = f"{result.n_safe} of {len(result.files)} files are stored"
    if not result.complete:
        return f"{counts} at {node}: {_why(result)}; expected all; {SEND_AGAIN}", 1
    left_out = f"; {found.left_out} other files were left out, for they are not DICOM" if found.left_out else ""
    return f"{counts} at {node}{left_out}", 0


def _why(result: SendResult) -> str:
    first: FileResult = result.remaining[0]
    return result.problem.partition(";")[0] if result.problem else f"{Path(first.path).name}: {first.reason}"


def node_of(arguments: argparse.Namespace) -> Node:
    """The node that the options or the file describe; raises `UsageError` for both or neither, `InputError` for a wrong one."""
    from CardiacMTLLib.pacs.node import Node, Tls, parse_address, read_node  # noqa: PLC0415

    given = [f"--{name.replace('_', '-')}" for name in _OPTIONS if getattr(arguments, name) is not None]
    if arguments.node is not None:
        if given:
            raise UsageError(f"got --node together with {', '.join(given)}; expected one of the two; leave one out")
        return read_node(arguments.node)
    if arguments.to is None or arguments.called_ae is None:
        raise UsageError("expected --node FILE, or both --to HOST:PORT and --called-ae TITLE; name the node; see --help")
    if arguments.tls_ca is None and any(option.startswith("--tls") for option in given):
        raise UsageError("got options of TLS without --tls-ca; expected the file that vouches for the node; add --tls-ca FILE")
    host, port = parse_address(arguments.to)
    named = {"calling_ae": arguments.calling_ae, "response_timeout_s": arguments.timeout_s}
    tls = None if arguments.tls_ca is None else Tls(arguments.tls_ca, arguments.tls_cert, arguments.tls_key, arguments.tls_name)
    return Node(host, port, arguments.called_ae, tls=tls, **{key: value for key, value in named.items() if value is not None})

"""`Node`: which DICOM node is sent to, as whom, with which patience, and how TLS is checked; and its JSON."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.job.codec import decode, encode

NODE_VERSION = 1
CALLING_AE = "CARDIACMTL"
MAX_AE_LENGTH = 16
GOODBYE_TIMEOUT_S = 5.0
"""The end of an association, and that of its threads, are waited for no longer."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Encryption: the node must show a certificate that `ca_file` vouches for and that names `server_name` (None: the host).

    `cert_file` and `key_file`, both or none, are what this side shows. All are PEM files; the key has no passphrase.
    """

    ca_file: str
    cert_file: str | None = None
    key_file: str | None = None
    server_name: str | None = None

    def __post_init__(self) -> None:
        if (self.cert_file is None) != (self.key_file is None):
            raise InputError("TLS has a certificate or a key alone; expected both or none; give the other one too")


@dataclass(frozen=True, slots=True)
class Node:
    """A DICOM node: address, application entity titles of both sides, timeouts in seconds, and TLS (None: not encrypted).

    `response_timeout_s` is the patience for each answer; for C-STORE it starts with the transfer of the file. Raises
    `InputError` for a port outside 1 to 65535, a title that is not 1 to 16 printable ASCII characters without backslash and
    outer spaces (DICOM PS3.5, table 6.2-1, AE), and a timeout that is not above zero.
    """

    host: str
    port: int
    called_ae: str
    calling_ae: str = CALLING_AE
    connection_timeout_s: float = 10.0
    response_timeout_s: float = 60.0
    tls: Tls | None = None

    def __post_init__(self) -> None:
        if not self.host or any(letter.isspace() for letter in self.host):
            raise InputError(f"the node's host is {self.host!r:.80}; expected a name or an address; correct it")
        if not 1 <= self.port <= 65535:
            raise InputError(f"the node's port is {self.port}; expected 1 to 65535, often 104 or 11112; correct it")
        for which, title in (("called", self.called_ae), ("calling", self.calling_ae)):
            _check_title(which, title)
        for which, seconds in (("connection", self.connection_timeout_s), ("response", self.response_timeout_s)):
            if not 0 < seconds < math.inf:
                raise InputError(f"the {which} timeout is {seconds}; expected seconds above 0; correct the number")

    @property
    def goodbye_timeout_s(self) -> float:
        """Patience for the end of an association: all that matters has been answered by then."""
        return min(self.response_timeout_s, GOODBYE_TIMEOUT_S)

    def __str__(self) -> str:
        """The title and the address, for messages."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.called_ae} at {host}:{self.port}"


def _check_title(which: str, title: str) -> None:
    printable = title.isascii() and title.isprintable() and "\\" not in title
    if not printable or not 1 <= len(title) <= MAX_AE_LENGTH or title != title.strip():
        raise InputError(
            f"the {which} AE title is {title!r:.80}; expected 1 to {MAX_AE_LENGTH} plain letters, digits or signs without "
            "backslash; ask whoever runs the PACS"
        )


def node_text(node: Node) -> str:
    """`node` as JSON, with a line end."""
    return json.dumps({"version": NODE_VERSION} | encode(node, {}), ensure_ascii=False, indent=1) + "\n"


def parse_node(text: str, where: str = "the node's configuration") -> Node:
    """The node of a JSON text; raises `InputError`, beginning with `where`, for unknown, missing or impossible values."""
    try:
        values: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is no JSON ({error}); expected an object; see docs/pacs.md") from error
    version = values.pop("version", None) if isinstance(values, dict) else None
    if version != NODE_VERSION or isinstance(version, bool):
        raise InputError(f"{where} has version {version!r:.40}; expected {NODE_VERSION}; see docs/pacs.md")
    node: Node = decode(values, Node, {}, where)
    return node


def read_node(path: Path) -> Node:
    """The node of a JSON file; raises `InputError` where it cannot be read or used."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path} cannot be read ({reason}); expected a node as JSON; see docs/pacs.md") from error
    return parse_node(text, str(path))


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT` or `[IPV6]:PORT`; raises `InputError` for anything else."""
    host, colon, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not colon or not bare or not (port.isascii() and port.isdigit()) or (":" in bare and bare == host):
        raise InputError(f"the address is {text!r:.80}; expected HOST:PORT, an IPv6 host in brackets; correct it")
    return bare, int(port)

"""`stable_uid`: the same DICOM UID for the same content, so that sending a result again makes no doubles."""

from __future__ import annotations

import hashlib
import uuid


def stable_uid(*parts: str | bytes) -> str:
    """A UID below the root 2.25 (PS3.5 B.2) from the SHA-256 of `parts`, which are told apart by their lengths.

    It has the form of a UUID of version 8 (RFC 9562, section 5.8): 122 bits of the hash.
    """
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    number = int.from_bytes(digest.digest()[:16], "big")
    number = number & ~(0xF << 76) | 0x8 << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    return f"2.25.{uuid.UUID(int=number).int}"

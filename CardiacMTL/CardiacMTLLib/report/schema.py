"""`record_schema`: the JSON Schema (draft 2020-12) of the result record, which comes with the software."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SCHEMA_FILE = Path(__file__).with_name("result.schema.json")


def record_schema() -> dict[str, Any]:
    """The schema of this version's records; docs/result-record.md explains them."""
    schema: dict[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return schema

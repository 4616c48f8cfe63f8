"""Draws the pictures of docs/walk-through.md: `python -m Testing.module.walk_through_pictures FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from CardiacMTLLib.labels import Phase
from Testing.host.host import slicer_host
from Testing.host.panel import Panel

MODULE = Path(__file__).resolve().parents[2] / "CardiacMTL" / "CardiacMTL.py"


def main(folder: Path) -> None:
    """Write ready.png, result.png and corrected.png."""
    folder.mkdir(parents=True, exist_ok=True)
    with slicer_host() as host:
        from Testing.module.given import erase_slice, finished_analysis, given_cine, labelled, shown_result

        given_cine("Short axis cine")
        panel = Panel(host, MODULE)
        panel.picture(folder / "ready.png")
        results = shown_result(panel, labelled(finished_analysis()))
        panel.picture(folder / "result.png", width=440)
        erase_slice(results.nodes.segmentations[Phase.ED], results.nodes.volumes[Phase.ED], "LV")
        panel.click("recomputeButton")
        panel.picture(folder / "corrected.png", width=440)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

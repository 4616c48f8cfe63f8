"""Draws the pictures of docs/walk-through.md: `python -m Testing.module.walk_through_pictures docs/pictures`.

The shipped model analyses the sample study, which is synthetic, through the panel in the test host. What it says of each step
is printed, so that the page can be held against it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from CardiacMTLLib.labels import Phase
from Testing.host.host import slicer_host
from Testing.host.panel import Panel, wait_until

MODULE = Path(__file__).resolve().parents[2] / "CardiacMTL" / "CardiacMTL.py"

PATIENCE_S = 3600.0


def main(folder: Path) -> None:
    """Write ready.png, running.png, result.png, corrected.png and export.png."""
    folder.mkdir(parents=True, exist_ok=True)
    with slicer_host() as host:
        import slicer

        from CardiacMTLPanel.scene_results import stored_results
        from CardiacMTLScene.sample import add_sample_cine
        from Testing.module.given import erase_slice

        add_sample_cine(slicer.mrmlScene)
        panel = Panel(host, MODULE)
        parameters = panel.module_widget._parameterNode
        parameters.heightCm, parameters.weightKg, parameters.sex = 174.0, 78.0, "M"
        panel.picture(folder / "ready.png")
        panel.click("runButton")
        wait_until(lambda: str(panel.see("statusLabel").text).startswith("Segmenting"), PATIENCE_S)
        panel.picture(folder / "running.png")
        wait_until(lambda: not panel.module_widget.run.running, PATIENCE_S)
        say(panel, "statusLabel", "diagnosisLabel", "flagsLabel")
        panel.click("explanationSection")
        panel.picture(folder / "result.png", width=440)
        panel.click("explanationSection")
        results = stored_results(panel.module_widget.results.study_name)
        erase_slice(results.nodes.segmentations[Phase.ED], results.nodes.volumes[Phase.ED], "LV")
        panel.click("recomputeButton")
        say(panel, "statusLabel", "diagnosisLabel")
        panel.picture(folder / "corrected.png", width=440)
        panel.click("exportSection")
        panel.see("nodeHostLineEdit").setText("pacs.example")
        panel.see("calledAeLineEdit").setText("ARCHIVE")
        panel.picture(folder / "export.png", width=440)


def say(panel: Any, *names: str) -> None:
    """Print what these labels say."""
    for name in names:
        sys.stdout.write(f"{name}: {panel.see(name).text}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""`SceneNodes`: the nodes that show one study, and how a node of the scene keeps references to them.

References, unlike node IDs, are mended when a scene is read into one that holds nodes of the same IDs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from CardiacMTLLib.labels import Phase
from CardiacMTLScene.cine import CineNodes
from CardiacMTLScene.curves import CurveNodes

_ROLE = "CardiacMTL"


@dataclass(frozen=True, slots=True)
class SceneNodes:
    """The nodes that show one study.

    `volumes` are those that the masks were drawn on, `cine` the frames, be they given or made here; None where only single
    phases were segmented. `cine_masks` are the masks of the cycle, for looking only; `curves` its volumes; each None where
    there are none. `results` is the text node that keeps the results. Of nodes that were found again those that are gone since
    are None.
    """

    volumes: Mapping[Phase, Any]
    segmentations: Mapping[Phase, Any]
    cine: CineNodes | None
    measurements: Any
    diagnosis: Any
    cine_masks: CineNodes | None = None
    curves: CurveNodes | None = None
    results: Any = None


def refer_to(keeper: Any, nodes: SceneNodes) -> None:
    """Make `keeper`, a node of the scene, refer to all `nodes`."""
    for role, node in _by_role(nodes):
        if node is not None:
            keeper.SetNodeReferenceID(f"{_ROLE}.{role}", node.GetID())


def referred_nodes(keeper: Any) -> SceneNodes:
    """The nodes that `keeper` was made to refer to, as far as they are still there."""

    def found(role: str) -> Any:
        return keeper.GetNodeReference(f"{_ROLE}.{role}")

    def phases(role: str) -> dict[Phase, Any]:
        return {phase: node for phase in Phase if (node := found(f"{role}.{phase}")) is not None}

    def group(kind: Any, role: str) -> Any:
        members = {field.name: found(f"{role}.{field.name}") for field in fields(kind)}
        return kind(**members) if any(node is not None for node in members.values()) else None

    return SceneNodes(
        phases("volume"),
        phases("segmentation"),
        group(CineNodes, "cine"),
        found("measurements"),
        found("diagnosis"),
        group(CineNodes, "cine_masks"),
        group(CurveNodes, "curves"),
        keeper,
    )


def _by_role(nodes: SceneNodes) -> Iterator[tuple[str, Any]]:
    for phase, node in nodes.volumes.items():
        yield f"volume.{phase}", node
    for phase, node in nodes.segmentations.items():
        yield f"segmentation.{phase}", node
    for name in ("cine", "cine_masks", "curves"):
        group = getattr(nodes, name)
        for field in fields(group) if group is not None else ():
            yield f"{name}.{field.name}", getattr(group, field.name)
    yield "measurements", nodes.measurements
    yield "diagnosis", nodes.diagnosis

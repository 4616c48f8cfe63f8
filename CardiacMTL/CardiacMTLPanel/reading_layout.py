"""The views for reading a result: ED and ES side by side in the plane of the stack, the playing cine, its curve, and 3D."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import slicer
import vtk
from slicer.i18n import tr as _

from CardiacMTLLib.labels import Label, Phase
from CardiacMTLScene.acquisition import acquisition_plane, show_only_in
from CardiacMTLScene.results import StoredResults
from CardiacMTLScene.segmentations import segment_id

VIEW_NAMES = {Phase.ED: "CardiacMTL_ED", Phase.ES: "CardiacMTL_ES"}
"""Names of the slice views of both phases; they are the module's own, so that the views of other layouts stay as they are."""

CINE_VIEW, THREE_D_VIEW, PLOT_VIEW = "CardiacMTL_Cine", "CardiacMTL_3D", "CardiacMTL_Plot"
_FIRST_LAYOUT = 56100
"""Numbers of our layouts: this one, plus 1 with a cine, plus 2 with the 3D view."""

_COLORS = {Phase.ED: "#4C9BE8", Phase.ES: "#E8A24C"}
_CINE_COLOR, _THREE_D_COLOR = "#6BB86B", "#9AC0CD"
_SEE_THROUGH = {Label.LV: 1.0, Label.RV: 0.8, Label.MYOCARDIUM: 0.35}
"""Opacity of the surfaces in 3D: the cavity shows through its wall."""


def register_layouts() -> None:
    """Make our layouts known to the application; nothing where it has no views (a batch without main window)."""
    manager = slicer.app.layoutManager()
    if not manager:
        return
    node = _layout_node()
    for number in range(4):
        if not node.IsLayoutDescription(_FIRST_LAYOUT + number):
            node.AddLayoutDescription(_FIRST_LAYOUT + number, _description(bool(number & 1), bool(number & 2)))


class ReadingLayout:
    """Switches between our layout and the one that the user had before; `on_leave` is called when ours is left in any way.

    While it is shown, each mask is bound to its own views, and the layout is not saved with the scene: a Slicer without this
    extension could not show it.
    """

    def __init__(self, on_leave: Callable[[], None] = lambda: None) -> None:
        self._former: int | None = None
        self._three_d = False
        self._on_leave = on_leave
        self._latest: StoredResults | None = None
        self._tag: int | None = None

    @property
    def is_shown(self) -> bool:
        """Whether our layout is on the screen."""
        return _FIRST_LAYOUT <= _current_layout() < _FIRST_LAYOUT + 4

    def show(self, results: StoredResults, *, three_d: bool = False) -> None:
        """Show ED and ES of `results` mid-ventricular and linked; a cine plays beside them above its curve."""
        manager = slicer.app.layoutManager()
        if not manager:
            return
        register_layouts()
        if not self.is_shown:
            self._former = _current_layout()
        self._three_d = three_d
        if self._latest is not None and self._latest.study_name != results.study_name:
            _hide(self._latest)
        cine = results.nodes.cine if results.nodes.cine is not None and results.nodes.cine.shown is not None else None
        manager.setLayout(_FIRST_LAYOUT + bool(cine) + 2 * three_d)
        self._watch(results)
        mask = _all_of(results)
        slices = {phase: _slice_view(name) for phase, name in VIEW_NAMES.items()}
        for phase, volume in results.nodes.volumes.items():
            _fill(slices[phase], volume, results, mask)
        cine_view = _slice_view(CINE_VIEW) if cine is not None else None
        if cine is not None:
            _fill(cine_view, cine.shown, results, mask)
        self._place_overlays(results)
        if results.nodes.curves is not None and results.nodes.curves.chart is not None:
            _show_chart(results.nodes.curves.chart)
        for logic in slices.values():
            if logic is not None:
                logic.GetSliceCompositeNode().SetLinkedControl(True)
                logic.GetSliceCompositeNode().SetHotLinkedControl(True)

    def leave(self, results: StoredResults | None) -> None:
        """Show the former layout again; its slice views show the masks of the cine, or of the phases where there is none."""
        if not self.is_shown:
            return
        fallback = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
        slicer.app.layoutManager().setLayout(fallback if self._former is None else self._former)
        if results is not None:
            _free(results)

    def adopt(self, results: StoredResults) -> None:
        """Take over `results` of a scene that was just loaded, in our layout or in another one."""
        if self.is_shown:
            self._watch(results)
        else:
            _free(results)

    def _watch(self, results: StoredResults) -> None:
        """Free the masks of `results` when another layout is chosen, here or in the application."""
        self._latest = results
        node = _layout_node()
        node.SetSaveWithScene(False)
        if self._tag is None:
            self._tag = node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._follow())

    def _follow(self) -> None:
        if self.is_shown or self._tag is None:
            return
        node = _layout_node()
        node.RemoveObserver(self._tag)
        self._tag = None
        node.SetSaveWithScene(True)
        if self._latest is not None:
            _free(self._latest)
        self._on_leave()

    def _place_overlays(self, results: StoredResults) -> None:
        """Every mask is seen on its own image only; in 3D, ED."""
        three_d = _singleton(THREE_D_VIEW, "vtkMRMLViewNode")
        for phase, node in results.nodes.segmentations.items():
            views = [_singleton(VIEW_NAMES[phase], "vtkMRMLSliceNode")]
            if phase is Phase.ED or Phase.ED not in results.nodes.segmentations:
                views.append(three_d)
                if self._three_d:
                    _show_surfaces(node)
            if not _is_bound(node):
                node.SetDisplayVisibility(True)
            show_only_in(node, [view for view in views if view is not None])
        masks = results.nodes.cine_masks
        if masks is not None and masks.shown is not None:
            own = set(VIEW_NAMES.values())
            if not _is_bound(masks.shown):
                masks.shown.SetDisplayVisibility(True)
            show_only_in(masks.shown, [view for view in _slice_nodes() if view.GetLayoutName() not in own])
        if self._three_d:
            slicer.app.layoutManager().resetThreeDViews()


def shown_slice(phase: Phase, results: StoredResults) -> int | None:
    """Index (z, from 0, standard axes) of the slice that the view of `phase` shows; None where it shows none of the stack."""
    node, volume = _singleton(VIEW_NAMES[phase], "vtkMRMLSliceNode"), results.nodes.volumes.get(phase)
    if node is None or volume is None:
        return None
    import numpy as np  # noqa: PLC0415 - only on a click

    from CardiacMTLScene.arrays import numpy_matrix  # noqa: PLC0415
    from CardiacMTLScene.transforms import rigid_to_world  # noqa: PLC0415

    geometry = results.analysis.study.geometry
    place = numpy_matrix(node.GetSliceToRAS())[:, 3]
    z = round(float((np.linalg.inv(rigid_to_world(volume) @ geometry.ijk_to_ras) @ place)[2]))
    return z if 0 <= z < geometry.shape_zyx[0] else None


def _fill(logic: Any, volume: Any, results: StoredResults, mask: Any) -> None:
    """A slice view with this volume alone, in the plane of the stack."""
    if logic is None or volume is None:
        return
    composite = logic.GetSliceCompositeNode()
    composite.SetLinkedControl(False)
    composite.SetBackgroundVolumeID(volume.GetID())
    composite.SetForegroundVolumeID(None)
    composite.SetLabelVolumeID(None)
    acquisition_plane(logic.GetSliceNode(), volume, results.analysis.study.geometry, mask)


def _all_of(results: StoredResults) -> Any:
    """One mask for all views, so that they show the same place: that of ED, else of ES."""
    masks = results.analysis.masks
    return masks.get(Phase.ED, next(iter(masks.values())))


def _masks(results: StoredResults) -> Iterator[Any]:
    """The masks of `results` that are in the scene: those of the phases, then the one that plays."""
    cine = results.nodes.cine_masks
    for node in (*results.nodes.segmentations.values(), None if cine is None else cine.shown):
        if node is not None and node.GetScene() is not None:
            yield node


def _is_bound(node: Any) -> bool:
    display = node.GetDisplayNode()
    return display is not None and display.GetNumberOfViewNodeIDs() > 0


def _free(results: StoredResults) -> None:
    """Let masks that are bound to our views be seen in all; where one plays, those of ED and ES are switched off beside it."""
    masks = list(_masks(results))
    cine = results.nodes.cine_masks
    playing = None if cine is None else cine.shown
    for node in masks:
        if _is_bound(node):
            show_only_in(node, [])
            node.SetDisplayVisibility(node is playing or playing not in masks)


def _hide(results: StoredResults) -> None:
    """Switch the masks of a study off that gives way to another one: views show one study."""
    for node in _masks(results):
        show_only_in(node, [])
        node.SetDisplayVisibility(False)


def _layout_node() -> Any:
    return slicer.app.layoutManager().layoutLogic().GetLayoutNode()


def _show_surfaces(node: Any) -> None:
    node.CreateClosedSurfaceRepresentation()
    display = node.GetDisplayNode()
    display.SetVisibility3D(True)
    display.SetPreferredDisplayRepresentationName3D("Closed surface")
    for label, opacity in _SEE_THROUGH.items():
        display.SetSegmentOpacity3D(segment_id(label), opacity)


def _show_chart(chart: Any) -> None:
    view = _singleton(PLOT_VIEW, "vtkMRMLPlotViewNode")
    if view is not None:
        view.SetPlotChartNodeID(chart.GetID())


def _current_layout() -> int:
    return int(_layout_node().GetViewArrangement()) if slicer.app.layoutManager() else 0


def _slice_view(name: str) -> Any:
    widget = slicer.app.layoutManager().sliceWidget(name)
    return widget.sliceLogic() if widget else None


def _singleton(name: str, class_name: str) -> Any:
    return slicer.mrmlScene.GetSingletonNode(name, class_name)


def _slice_nodes() -> Sequence[Any]:
    scene = slicer.mrmlScene
    count = scene.GetNumberOfNodesByClass("vtkMRMLSliceNode")
    return [scene.GetNthNodeByClass(position, "vtkMRMLSliceNode") for position in range(count)]


def _description(with_cine: bool, with_three_d: bool) -> str:
    phases = "".join(_slice_item(VIEW_NAMES[phase], phase.value, _COLORS[phase]) for phase in Phase)
    below = ""
    if with_cine:
        below += _slice_item(CINE_VIEW, _("Cine"), _CINE_COLOR)
    if with_three_d:
        below += (
            f'<item><view class="vtkMRMLViewNode" singletontag="{THREE_D_VIEW}">'
            f'<property name="viewlabel" action="default">3D</property>'
            f'<property name="viewcolor" action="default">{_THREE_D_COLOR}</property></view></item>'
        )
    if with_cine:
        below += (
            f'<item><view class="vtkMRMLPlotViewNode" singletontag="{PLOT_VIEW}">'
            f'<property name="viewlabel" action="default">V</property></view></item>'
        )
    above = f'<layout type="horizontal" split="true">{phases}</layout>'
    if not below:
        return above
    return (
        f'<layout type="vertical" split="true"><item splitSize="600">{above}</item>'
        f'<item splitSize="400"><layout type="horizontal" split="true">{below}</layout></item></layout>'
    )


def _slice_item(name: str, label: str, color: str) -> str:
    return (
        f'<item><view class="vtkMRMLSliceNode" singletontag="{name}">'
        '<property name="orientation" action="default">Axial</property>'
        f'<property name="viewlabel" action="default">{label}</property>'
        f'<property name="viewcolor" action="default">{color}</property></view></item>'
    )

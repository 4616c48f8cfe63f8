"""`CONVENTIONS`: the rules behind outlines and numbers, said in every result."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from CardiacMTLLib.diagnosis.features import WALL_SECTORS
from CardiacMTLLib.measure.thickening import ABSENT_WITHIN_PERCENT, NORMAL_FROM_PERCENT

CONVENTIONS: Mapping[str, str] = MappingProxyType(
    {
        "papillary_muscles": "Papillary muscles belong to the LV cavity, not to the myocardium.",
        "rv_outflow": "The pulmonary infundibulum is not part of the RV.",
        "basal_slice": (
            "As in the training data (ACDC; Bernard et al., IEEE TMI 2018;37:2514, doi 10.1109/TMI.2018.2837502, and the "
            "challenge's rules for its experts): both ventricles are outlined as far towards the base as the slices show them; "
            "the LV's outline follows the limit that the aortic valve sets, and wall is not made up where the slice shows none."
        ),
        "volumes": "Volumes are sums over slices without interpolation; no slice is left out unless that is asked for.",
        "wall_thickness": (
            "Wall thickness is taken in the plane of the slice: area of the wall over the length of the line midway between "
            "its borders, in each segment of each slice that shows the wall all around; a segment has the mean of its slices. "
            f"The diagnosis takes it otherwise: in {WALL_SECTORS} equal sectors about the middle of each slice's cavity, as "
            "the difference of the radii of circular sectors as large as the cavity's and as cavity and wall together."
        ),
        "segments": (
            "The segments are 1 to 16 of the American Heart Association (Cerqueira et al., Circulation 2002;105:539), counted "
            "from the anterior insertion of the RV; the 17th, the apex, is not in short-axis slices. Basal, middle and apical "
            "are thirds of the slices that show the wall all around, at ED and at ES each."
        ),
        "thickening_class": (
            f"A segment's thickening from ED to ES is called normal from {NORMAL_FROM_PERCENT:g} % (J Cardiovasc Magn Reson "
            f"2009;11:22), reduced from {ABSENT_WITHIN_PERCENT:g} %, thinning from -{ABSENT_WITHIN_PERCENT:g} % down, absent "
            "between (our limit), by whole percent. It is not the visual score of wall motion."
        ),
    }
)
"""Sentences by name."""

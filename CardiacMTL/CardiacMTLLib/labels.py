"""The coded vocabulary: structures of a mask, phases of a cycle, diagnostic groups."""

from enum import IntEnum, StrEnum


class Label(IntEnum):
    """Voxel values of every mask that this software reads or writes (the ACDC coding).

    Papillary muscles belong to the cavity; the right-ventricular outflow tract above the pulmonary infundibulum is not RV.
    """

    BACKGROUND = 0
    RV = 1
    MYOCARDIUM = 2
    LV = 3


STRUCTURES = (Label.LV, Label.RV, Label.MYOCARDIUM)
"""The three segmented structures, in the order in which tables and legends show them."""


class Phase(StrEnum):
    """The two phases of the cardiac cycle that are measured."""

    ED = "ED"
    ES = "ES"


STRUCTURE_PHASES = {f"{structure.name}_{phase}": (structure, phase) for structure in STRUCTURES for phase in Phase}
"""The six structures and phases by the keys under which figures of masks stand: `LV_ED` to `MYOCARDIUM_ES`."""


class Group(StrEnum):
    """The five ACDC groups, in the class order of the network.

    Source: Bernard et al., IEEE TMI 37(11):2514-2525, 2018, doi 10.1109/TMI.2018.2837502.
    """

    NOR = "NOR"
    MINF = "MINF"
    DCM = "DCM"
    HCM = "HCM"
    RV = "RV"

    @property
    def full_name(self) -> str:
        """Name of the group as a reader knows it."""
        return _GROUP_NAMES[self]


_GROUP_NAMES = {
    Group.NOR: "normal",
    Group.MINF: "previous myocardial infarction",
    Group.DCM: "dilated cardiomyopathy",
    Group.HCM: "hypertrophic cardiomyopathy",
    Group.RV: "abnormal right ventricle",
}

"""Signal of each tissue on a balanced steady-state free-precession cine, relative to left ventricular blood.

Fat is negative: water and fat precess in opposite phase at the usual echo time, so that they cancel in voxels they share
(the dark line around every organ) and only the magnitude at the end makes fat bright. Values are chosen to give the medians
that the ACDC training images show inside the expert masks (myocardium 0.39 at ED, RV blood 0.82) and around the heart.
"""

BLOOD = 1.0
RV_BLOOD = 0.8
MYOCARDIUM = 0.37
TRABECULATED_BLOOD = 0.58
MUSCLE = 0.30
FAT = -0.8
SKIN_FAT = -1.05
LUNG = 0.18
AIR = 0.03
LIVER = 0.42
SPLEEN = 0.52
STOMACH = 0.60
MARROW = 0.50

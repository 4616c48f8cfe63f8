"""Physical constants of clinical measurement."""

MYOCARDIAL_DENSITY_G_PER_ML = 1.05
"""Density of myocardium, as SCMR's post-processing recommendations use it (Schulz-Menger et al., JCMR 2020;22:19)."""

"""A study and its results as a 3D Slicer (MRML) scene, and as a 3D picture; inside the application or without it.

Only this package and the module may import slicer and vtk; neither qt nor ctk is imported here.
"""

# Slicer writes a file here by which other extensions find this one.
record(steps "config")

"""What the module's panel needs of Qt and of the application: the worker as a QProcess, results as widgets, views, installing.

It imports CardiacMTLScene and CardiacMTLLib; neither of them imports it.
"""

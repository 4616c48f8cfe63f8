"""The fixtures of the host, for its own tests."""

from Testing.host.fixtures import click, open_module, panel_latency, picture, slicer_host, wait_until

__all__ = ["click", "open_module", "panel_latency", "picture", "slicer_host", "wait_until"]

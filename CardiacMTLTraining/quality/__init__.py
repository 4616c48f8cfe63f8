"""Mask quality and scope: the evidence, the negatives, how the estimates are fitted, and how good they are."""

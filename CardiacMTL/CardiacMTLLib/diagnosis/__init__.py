"""From measurements to calibrated probabilities of the five groups, and why."""

"""From input to final masks: device choice, prediction, clean-up and quality."""

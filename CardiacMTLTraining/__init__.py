"""Training, evaluation and export of the networks that CardiacMTL ships."""

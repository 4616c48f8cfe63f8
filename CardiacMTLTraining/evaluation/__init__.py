"""Evaluation: masks, measurements and diagnosis against the experts', as JSON, CSV and one HTML page."""

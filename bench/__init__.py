"""Measurements: the service beside what limits it, in one run on one machine."""

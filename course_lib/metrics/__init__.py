"""Figures of merit: they measure a model on data, and know nothing of how it was trained."""

"""Explorers of sequence models: gradients through time, gates, attention, plans."""

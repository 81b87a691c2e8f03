"""Explorers of the whole course: its map, its gallery, a face made from six numbers."""

"""Explorers of energy models."""

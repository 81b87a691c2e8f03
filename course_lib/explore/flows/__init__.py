"""Explorers of normalising flows."""

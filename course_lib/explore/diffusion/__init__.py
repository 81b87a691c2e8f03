"""Explorers of diffusion models."""

"""Explorers of latent variables: codes, posteriors, traversals, levels."""

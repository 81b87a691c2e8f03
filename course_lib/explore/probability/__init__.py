"""Explorers of Part I: densities, divergences, factorisations, mixtures, Markov chains."""

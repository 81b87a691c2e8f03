"""Explorers of adversarial models, lessons 15 to 19."""

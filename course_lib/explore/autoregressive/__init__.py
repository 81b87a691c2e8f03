"""Explorers of autoregressive models of series and images."""

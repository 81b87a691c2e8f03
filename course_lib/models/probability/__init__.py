"""Models of Part I: tables, mixtures, Markov chains and hidden Markov models."""

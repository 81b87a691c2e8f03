"""Energy models: p(x) = exp(-E(x)) / Z, where Z, the sum over all x, is hard to compute."""

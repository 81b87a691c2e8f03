"""Models that turn noise into data little by little, and data into noise: flow matching, diffusion, masks."""

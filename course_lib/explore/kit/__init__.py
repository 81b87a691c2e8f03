"""What every explorer is made of: the panel, its controls, drawing surfaces, sheets of pictures."""

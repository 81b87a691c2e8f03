"""Models: one family a folder, one model a file. What a model can do says what kind it is: see protocols."""

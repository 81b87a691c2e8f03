"""Models: one family per folder, one model per file. The kind of a model says what it can do: see protocols."""

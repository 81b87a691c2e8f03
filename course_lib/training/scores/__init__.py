"""The scoreboard: every shipped model of digits measured alike, one row per model. `course score` makes the table again."""

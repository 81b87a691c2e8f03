"""How each shipped checkpoint is made: one table, one function. `course train NAME --budget full` makes it again."""

from course_lib.training.recipes.form import Recipe, RecipeError
from course_lib.training.recipes.gradient import Gradient
from course_lib.training.recipes.running import Outcome, load_or_train, run, train
from course_lib.training.recipes.table import RECIPES, recipe
from course_lib.training.recipes.unfinished import CannotResume

__all__ = ["RECIPES", "CannotResume", "Gradient", "Outcome", "Recipe", "RecipeError", "load_or_train", "recipe", "run", "train"]

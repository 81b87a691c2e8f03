"""Models of sequences of symbols: log p(x) = sum over t of log p(x_t | x_1, …, x_t−1)."""

from course_lib.models.sequence.base import SequenceModel, nucleus, temper
from course_lib.models.sequence.character import CharacterModel
from course_lib.models.sequence.nested import NestedRNN
from course_lib.models.sequence.ngram import NGram
from course_lib.models.sequence.seq2seq import Seq2Seq
from course_lib.models.sequence.transformer import CausalTransformer

__all__ = ["CausalTransformer", "CharacterModel", "NGram", "NestedRNN", "Seq2Seq", "SequenceModel", "nucleus", "temper"]

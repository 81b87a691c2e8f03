"""The models of the course, each as one diagram with the shapes on its arrows."""

from __future__ import annotations

from course_lib.plots.blocks import GOAL, LAYER, SEEN, STATE, SUM, VALUE, Arrow, Node, diagram
from course_lib.plots.figures import LessonFigure
from course_lib.plots.given import drawing


@drawing
def trellis(states: str = "123", symbols: str = "") -> LessonFigure:
    """All paths through a hidden chain: a column per time, an arrow per move, and the arrows that meet in one state thick.

    states: one letter per state. symbols: what is seen, one letter per time; x₁ … x₄ when empty.
    """
    seen = list(symbols) or [f"$x_{t}$" for t in range(1, 5)]
    nodes, arrows = {}, []
    meets = (min(2, len(seen) - 1), len(states) // 2)
    for t, symbol in enumerate(seen):
        nodes[f"x{t}"] = Node(2.0 * t, -0.9, symbol, SEEN, 0.55, 0.42)
        for k, letter in enumerate(states):
            name = f"h{t}{k}"
            nodes[name] = Node(2.0 * t, 0.8 * (len(states) - 1 - k), letter, STATE, high=0.42)
            arrows += [Arrow(f"h{t - 1}{i}", name, strong=(t, k) == meets) for i in range(len(states)) if t]
    notes = [(-1.3, 0.4 * (len(states) - 1), "hidden\nstate"), (-1.3, -0.9, "seen")]
    paths = len(states) ** len(seen)
    return diagram(
        nodes,
        arrows,
        notes=notes,
        title=f"The trellis: {paths} paths from left to right, only {len(states) ** 2} moves per step",
        alt=f"Columns of {len(states)} states, one column per time, over the symbol seen. Arrows lead from each state to every "
        "state of the next column. The arrows that meet in one state are thick: the forward pass adds them up there.",
    )


@drawing
def unrolled_rnn(steps: int = 5, *, cell: str = "cell") -> LessonFigure:
    """A recurrent network unrolled in time: the same cell, with the same weights, at every step."""
    nodes = {"c0": Node(-0.9, 0.0, "$h_0$", STATE, high=0.5)}
    arrows = []
    for t in range(1, steps + 1):
        across = 1.8 * t - 1.0
        nodes[f"x{t}"] = Node(across, -1.1, f"$x_{t - 1}$" if t > 1 else "start", SEEN, 0.7, 0.42)
        nodes[f"c{t}"] = Node(across, 0.0, cell, LAYER, 0.9, 0.5)
        nodes[f"y{t}"] = Node(across, 1.1, f"$p(x_{t})$", GOAL, 1.05, 0.45)
        arrows += [Arrow(f"x{t}", f"c{t}", "E" if t == 1 else ""), Arrow(f"c{t}", f"y{t}", "K logits" if t == 1 else "")]
        arrows.append(Arrow(f"c{t - 1}", f"c{t}", f"$h_{t - 1}$: H" if t > 1 else ""))
    return diagram(
        nodes,
        arrows,
        title="A recurrent network unrolled in time: one cell, the same weights at every step",
        alt="The same cell stands at each time step. It takes a symbol from below, at first the start symbol, and the state from "
        "its left neighbour. It gives a prediction of the next symbol upwards, and the new state to its right neighbour.",
    )


@drawing
def nested_levels(segments: int = 3, symbols: int = 3) -> LessonFigure:
    """Two levels in time: an upper network takes one step per segment, a reader sums up, a writer writes by the plan."""
    nodes, arrows = {}, []
    for k in range(segments):
        middle = 4.9 * k
        nodes[f"plan{k}"] = Node(middle, 2.5, f"plan$_{k + 1}$", LAYER, 1.1, 0.5)
        if k:
            arrows.append(Arrow(f"plan{k - 1}", f"plan{k}", "upper GRU"))
        for i in range(symbols):
            across = middle + 1.0 * (i - (symbols - 1) / 2)
            name = f"{k}{i}"
            nodes[f"w{name}"] = Node(across, 1.2, "writer", LAYER, 0.85, 0.45)
            nodes[f"x{name}"] = Node(across, 0.2, f"$x_{{{k + 1},{i + 1}}}$", SEEN, 0.75, 0.45)
            arrows += [Arrow(f"plan{k}", f"w{name}"), Arrow(f"w{name}", f"x{name}")]
            if i:
                arrows += [Arrow(f"w{k}{i - 1}", f"w{name}"), Arrow(f"x{k}{i - 1}", f"w{name}", dashed=True)]
        if k < segments - 1:
            nodes[f"read{k}"] = Node(middle + 1.0, -0.75, "reader", LAYER, 0.95, 0.45)
            nodes[f"sum{k}"] = Node(middle + 2.45, 1.2, "summary", VALUE, 1.05, 0.45)
            arrows += [Arrow(f"x{k}{i}", f"read{k}") for i in range(symbols)]
            arrows += [Arrow(f"read{k}", f"sum{k}", strong=True), Arrow(f"sum{k}", f"plan{k + 1}", strong=True)]
    return diagram(
        nodes,
        arrows,
        title="Two levels: plans above, segments of three symbols below",
        alt="Three plans in a row, each the next state of the upper GRU. Each plan has an arrow to every step of its segment's "
        "writer; the symbols written go to a reader, and its summary to the next plan. Within a segment each symbol goes to "
        "the next step of the writer.",
    )


@drawing
def attention_decoder(source: str = "1984", target: str = "MCM") -> LessonFigure:
    """An encoder that reads in both directions, and a decoder that looks back at all of its states at every step."""
    nodes, arrows = {}, []
    for j, symbol in enumerate(source):
        nodes[f"s{j}"] = Node(1.5 * j, 0.0, symbol, SEEN, 0.5, 0.42)
        nodes[f"h{j}"] = Node(1.5 * j, 1.0, f"$h_{j + 1}$", LAYER, 0.7, 0.5)
        arrows.append(Arrow(f"s{j}", f"h{j}"))
        if j:
            arrows += [Arrow(f"h{j - 1}", f"h{j}", bend=-0.25), Arrow(f"h{j}", f"h{j - 1}", bend=-0.25)]
    right = 1.5 * len(source) + 1.0
    for t, symbol in enumerate(target):
        across = right + 2.0 * t
        nodes[f"d{t}"] = Node(across, 1.0, f"$s_{t + 1}$", LAYER, 0.8, 0.5)
        nodes[f"y{t}"] = Node(across, 0.0, symbol, GOAL, 0.5, 0.42)
        arrows += [Arrow(f"d{t}", f"y{t}")]
        if t:
            arrows += [Arrow(f"d{t - 1}", f"d{t}"), Arrow(f"y{t - 1}", f"d{t}", dashed=True)]
    looks = len(target) - 1
    terms = " + ".join(f"\\alpha_{j + 1} h_{j + 1}" for j in range(len(source)))
    nodes["mean"] = Node(right - 0.2, 2.9, f"weighted mean\n$c_{looks + 1} = {terms}$", VALUE, 3.1, 0.72)
    arrows.append(Arrow(f"h{len(source) - 1}", "d0", "$s_0$: H"))
    arrows += [Arrow(f"h{j}", "mean", f"$\\alpha_{j + 1}$", strong=True) for j in range(len(source))]
    arrows += [Arrow("mean", f"d{looks}", strong=True), Arrow(f"d{looks - 1}", "mean", "scores", dashed=True)]
    return diagram(
        nodes,
        arrows,
        title="Encoder, decoder, attention: without the thick arrows all of the source must pass through s₀",
        alt="Left, an encoder with one state per symbol of 1984, arrows in both directions. Right, a decoder that writes M, C, "
        "M. One thin arrow joins them. Thick arrows lead from all encoder states to a weighted mean and on to the decoder; a "
        "dashed arrow, from the decoder's state before, sets the scores.",
    )


@drawing
def transformer_block() -> LessonFigure:
    """One block of a causal transformer, from the bottom up, with its three projections and two residual paths."""
    nodes = {
        "in": Node(0.0, 0.0, "T × C: a vector per place", SEEN, 2.5, 0.45),
        "norm1": Node(0.0, 0.9, "norm", LAYER, 1.0, 0.45),
        "q": Node(-1.5, 1.8, "query\n$W_Q$", LAYER, 1.1, 0.62),
        "k": Node(0.0, 1.8, "key\n$W_K$", LAYER, 1.1, 0.62),
        "v": Node(1.5, 1.8, "value\n$W_V$", LAYER, 1.1, 0.62),
        "scores": Node(-0.75, 2.85, "scores T × T,\nmask, softmax", VALUE, 1.75, 0.62),
        "mean": Node(0.6, 3.8, "weighted mean of values", VALUE, 2.5, 0.45),
        "mix": Node(0.6, 4.55, "mix", LAYER, 0.9, 0.45),
        "add1": Node(0.0, 5.35, "+", SUM, high=0.4),
        "norm2": Node(4.4, 0.9, "norm", LAYER, 1.0, 0.45),
        "up": Node(4.4, 1.8, "dense C → 4C, GELU", LAYER, 2.1, 0.5),
        "down": Node(4.4, 2.75, "dense 4C → C", LAYER, 1.6, 0.5),
        "add2": Node(4.4, 3.8, "+", SUM, high=0.4),
        "out": Node(4.4, 4.75, "T × C, to the next block", GOAL, 2.5, 0.45),
        "again": Node(4.4, 0.0, "T × C", SEEN, 1.2, 0.45),
    }
    pairs = [("in", "norm1"), ("norm1", "q"), ("norm1", "k"), ("norm1", "v"), ("q", "scores"), ("k", "scores"),
             ("scores", "mean"), ("v", "mean"), ("mean", "mix"), ("mix", "add1"), ("again", "norm2"), ("norm2", "up"),
             ("up", "down"), ("down", "add2"), ("add2", "out")]  # fmt: skip
    arrows = [Arrow(start, end) for start, end in pairs]
    arrows += [Arrow("in", "add1", bend=-1.0, strong=True), Arrow("again", "add2", bend=-0.7, strong=True)]
    return diagram(
        nodes,
        arrows,
        notes=[(-3.0, 5.35, "1 · look back"), (3.35, 5.35, "2 · place by place"), (0.35, 5.35, "(go on right)")],
        title="One block of a causal transformer: the thick paths carry what was there around each part",
        alt="Left: a vector per place goes through a norm into query, key and value; scores with a mask and a softmax weight the "
        "values; the result is added to what was there. Right: a norm and two dense layers, place by place, added again.",
    )


@drawing
def lstm_cell() -> LessonFigure:
    """An LSTM cell: the memory c runs straight through; three gates close and open it."""
    nodes = {
        "c0": Node(-3.1, 2.6, "$c_{t-1}$", STATE, high=0.6),
        "times": Node(-1.5, 2.6, "×", SUM, high=0.4),
        "plus": Node(0.6, 2.6, "+", SUM, high=0.4),
        "c1": Node(4.2, 2.6, "$c_t$", STATE, high=0.6),
        "f": Node(-1.5, 1.0, "forget gate\n$f = \\sigma(\\cdot)$", LAYER, 1.3, 0.7),
        "i": Node(-0.05, 1.0, "input gate\n$i = \\sigma(\\cdot)$", LAYER, 1.25, 0.7),
        "g": Node(1.35, 1.0, "candidate\n$g = \\tanh(\\cdot)$", LAYER, 1.35, 0.7),
        "o": Node(2.95, 1.0, "output gate\n$o = \\sigma(\\cdot)$", LAYER, 1.35, 0.7),
        "write": Node(0.6, 1.85, "×", SUM, high=0.4),
        "tanh": Node(2.2, 1.95, "tanh", VALUE, 0.75, 0.4),
        "read": Node(2.95, 1.95, "×", SUM, high=0.4),
        "h1": Node(4.2, 1.95, "$h_t$", STATE, high=0.6),
        "in": Node(0.6, -0.2, "$x_t$ and $h_{t-1}$", SEEN, 1.8, 0.45),
    }
    arrows = [Arrow("c0", "times", strong=True), Arrow("times", "plus", strong=True), Arrow("plus", "c1", strong=True)]
    pairs = [("f", "times"), ("i", "write"), ("g", "write"), ("write", "plus"), ("plus", "tanh"), ("tanh", "read"), ("o", "read"),
             ("read", "h1"), ("in", "f"), ("in", "i"), ("in", "g"), ("in", "o")]  # fmt: skip
    return diagram(
        nodes,
        arrows + [Arrow(start, end) for start, end in pairs],
        title="An LSTM cell: the memory runs straight through, and is only multiplied and added to",
        alt="A thick straight line leads from the old memory c through a multiplication by the forget gate and an addition to "
        "the new memory. Input gate and candidate are multiplied and added; the output gate lets a part out as the state h.",
    )


@drawing
def nade(variables: int = 4) -> LessonFigure:
    """NADE: one hidden vector per conditional, all from the same rows of W; the arrows from x₀ are thick."""
    nodes, arrows = {}, []
    for d in range(variables):
        across = 2.2 * d
        before = ", ".join(f"x_{j}" for j in range(d))
        nodes[f"x{d}"] = Node(across, 0.0, f"$x_{d}$", SEEN, 0.6, 0.42)
        nodes[f"h{d}"] = Node(across, 1.4, f"$h_{d}$: H", LAYER, 0.95, 0.48)
        nodes[f"p{d}"] = Node(across, 2.6, f"$p(x_{d} \\mid {before})$" if d else "$p(x_0)$", GOAL, 1.75, 0.46)
        arrows += [Arrow(f"x{j}", f"h{d}", "$W_0$" if j == 0 else "", strong=j == 0) for j in range(d)]
        arrows.append(Arrow(f"h{d}", f"p{d}", f"$V_{d}$"))
    return diagram(
        nodes,
        arrows,
        title="NADE: every hidden vector reads the pixels before it, through the same weights",
        alt="Four pixels below, a hidden vector above each, a conditional above that. Each pixel has arrows to the hidden "
        "vectors of all later pixels, none to its own. The thick arrows from the first pixel all carry the same weights.",
    )


@drawing
def masked_network(variables: int = 4) -> LessonFigure:
    """MADE: an ordinary network whose units have degrees, with the connections that the masks keep."""
    degrees = [k % (variables - 1) + 1 for k in range(2 * (variables - 1))]
    wide, nodes, arrows = 1.35, {}, []
    start = (len(degrees) - variables) * wide / 2
    for d in range(variables):
        nodes[f"x{d}"] = Node(start + wide * d, 0.0, f"$x_{d}$: {d + 1}", SEEN, 0.8, 0.42)
        nodes[f"p{d}"] = Node(start + wide * d, 3.0, f"$p_{d}$: {d}", GOAL, 0.8, 0.42)
    for k, degree in enumerate(degrees):
        nodes[f"h{k}"] = Node(wide * k, 1.5, str(degree), LAYER, 0.6, 0.46)
        arrows += [Arrow(f"x{d}", f"h{k}") for d in range(variables) if d + 1 <= degree]
        arrows += [Arrow(f"h{k}", f"p{d}") for d in range(variables) if degree <= d]
    return diagram(
        nodes,
        arrows,
        title="MADE: a connection is kept where the degree does not fall on the way up",
        alt="Inputs with degrees 1 to 4, hidden units with degrees 1 to 3, outputs that take units of degree 0 to 3. Only arrows "
        "from a degree to one at least as large are drawn, so that no path leads from a pixel to its own output.",
    )

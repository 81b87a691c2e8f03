// One bump over data with two modes: its mean and scale by hand, and three divergences in nats.
"use strict";

course.explorer("one-bump", (root, { low, high, p, means, scales, best }) => {
  const [WIDE, HIGH, LEFT, BELOW, TOP] = [560, 280, -6, 30, 0.75];
  const step = (high - low) / (p.length - 1);
  const grid = p.map((_, i) => low + i * step);
  let [mean, scale] = [0, 1];

  // The Gaussian's probability of each cell of the grid; far tails are kept above 0, as explore/probability/divergences.py does.
  const bump = () => {
    const q = grid.map((x) => Math.exp(-0.5 * ((x - mean) / scale) ** 2));
    const sum = q.reduce((total, value) => total + value, 0);
    return q.map((value) => Math.max(value / sum, 1e-300));
  };
  const kl = (one, other) => one.reduce((sum, value, i) => (value > 0 ? sum + value * Math.log(value / other[i]) : sum), 0);
  const divergences = (q) => {
    const middle = q.map((value, i) => (value + p[i]) / 2);
    return { forward: kl(p, q), reverse: kl(q, p), "Jensen–Shannon": (kl(p, middle) + kl(q, middle)) / 2 };
  };
  const SHOWN = { forward: "KL(p ‖ q), forward", reverse: "KL(q ‖ p), reverse", "Jensen–Shannon": "Jensen–Shannon" };

  const label = "Data with two modes and a bump. Drag it, or use the arrow keys: across moves its mean, up makes it narrower.";
  const move = (to, wide) => {
    mean = course.clamp(Math.round(10 * to) / 10, ...means);
    scale = course.clamp(Math.round(10 * wide) / 10, ...scales);
    sliders.mean.set(mean);
    sliders.scale.set(scale);
    draw();
  };
  let grip = 1; // the scale while dragging, before it is rounded
  const ratio = Math.max(1, window.devicePixelRatio || 1);
  const canvas = course.surface({ label, width: WIDE * ratio, height: HIGH * ratio }, {
    dragged: ({ x, dy }) => {
      if (!dy) grip = Math.abs(grip - scale) > 0.1 ? scale : grip;
      grip = course.clamp(grip + 3 * dy, ...scales);
      move(LEFT - 2 * LEFT * x, grip);
    },
    stepped: (right, up) => move(mean + 0.1 * right, scale - 0.1 * up),
    home: () => move(0, 1),
  });
  canvas.classList.add("chart");
  const slide = (label, [min, max], value, moved) => course.slider({ label, min, max, step: 0.1, value }, moved);
  const sliders = {
    mean: slide("mean of q", means, mean, (value) => move(value, scale)),
    scale: slide("scale of q", scales, scale, (value) => move(mean, value)),
  };
  const bars = Object.entries(SHOWN).map(([name, words]) => {
    const [bar, number] = [course.element("i"), course.element("output", { "aria-label": words })];
    return { name, bar, number, root: course.element("div", { class: "bar" }, course.element("span", {}, words), number, bar) };
  });

  const line = (pen, values, close) => {
    pen.beginPath();
    values.forEach((value, i) => {
      const at = [((grid[i] - LEFT) / (-2 * LEFT)) * WIDE, (HIGH - BELOW) * (1 - value / step / TOP)];
      if (i) pen.lineTo(...at);
      else pen.moveTo(...at);
    });
    if (close) pen.fill();
    else pen.stroke();
  };
  const draw = course.onceAFrame(() => {
    const [q, pen, style] = [bump(), canvas.getContext("2d"), getComputedStyle(root)];
    const [ink, faint] = ["--text", "--line"].map((name) => style.getPropertyValue(name));
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, WIDE, HIGH);
    pen.fillStyle = "rgba(86, 180, 233, 0.55)";
    line(pen, p, true);
    [pen.strokeStyle, pen.lineWidth] = [style.getPropertyValue("--mark"), 3];
    line(pen, q, false);
    [pen.fillStyle, pen.strokeStyle, pen.lineWidth, pen.font, pen.textAlign] = [ink, faint, 1, "14px sans-serif", "center"];
    pen.strokeRect(0, HIGH - BELOW, WIDE, 0);
    for (const x of [-4, -2, 0, 2, 4]) pen.fillText(x, ((x - LEFT) / (-2 * LEFT)) * WIDE, HIGH - 10);
    const values = divergences(q);
    for (const { name, bar, number } of bars) {
      bar.style.width = `${Math.min(100, 25 * values[name])}%`;
      number.textContent = `${values[name].toFixed(2)} nats`;
    }
  });
  document.addEventListener("themechange", draw);

  const fits = Object.entries(best).map(([name, [m, s]]) => course.button(`best by ${name}`, () => move(m, s)));
  const hint = course.element("p", { class: "hint" }, "blue: data p; line: bump q. Drag: ← → mean, ↑ narrower, ↓ wider");
  root.append(
    course.element("div", { class: "stage" }, canvas, hint),
    course.element(
      "div",
      { class: "controls" },
      sliders.mean.root,
      sliders.scale.root,
      ...bars.map((bar) => bar.root),
      course.element("div", { class: "buttons" }, ...fits),
    ),
  );
  draw();
});

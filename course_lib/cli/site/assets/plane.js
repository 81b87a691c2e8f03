// Click a plane of codes: what the decoder makes of that place, and how far the nearest code of a real digit is.
"use strict";

course.explorer("plane", (root, { sets, colours }) => {
  const SIDE = 336;
  const planes = sets.map(({ name, decoder, codes, labels, low, high }) => ({
    name, labels, low, high, shape: decoder.shape, network: new course.Network(decoder, 2), codes: course.halves(codes),
  }));
  let plane = planes[0];
  let place = { x: 0.5, y: 0.5 }; // shares of the plane, downwards

  const label = "Plane of codes. Click or drag, or use the arrow keys, to choose a place.";
  const move = (x, y) => {
    place = { x: course.clamp(x, 0, 1), y: course.clamp(y, 0, 1) };
    across.set(place.x);
    up.set(1 - place.y);
    draw();
  };
  const scale = Math.max(1, window.devicePixelRatio || 1);
  const canvas = course.surface({ label, width: SIDE * scale, height: SIDE * scale }, {
    dragged: ({ x, y }) => move(x, y),
    stepped: (right, high) => move(place.x + right / 60, place.y - high / 60),
    home: () => move(0.5, 0.5),
  });
  canvas.classList.add("plane");
  const digit = course.picture("What the decoder makes of the place", plane.shape);
  digit.classList.add("digit");
  const words = course.element("p", { class: "said", "aria-live": "polite" });

  // The codes, drawn once per plane: each as its digit, in the colour of its class.
  const backgrounds = new Map();
  const background = () => {
    if (!backgrounds.has(plane)) {
      const sheet = course.element("canvas", { width: canvas.width, height: canvas.height });
      const pen = sheet.getContext("2d");
      pen.scale(scale, scale);
      pen.fillStyle = "white";
      pen.fillRect(0, 0, SIDE, SIDE);
      pen.font = "11px sans-serif";
      plane.labels.forEach((name, i) => {
        const [x, y] = [0, 1].map((axis) => (plane.codes[2 * i + axis] - plane.low[axis]) / (plane.high[axis] - plane.low[axis]));
        pen.fillStyle = colours[name];
        pen.fillText(name, x * SIDE - 3, (1 - y) * SIDE + 4);
      });
      backgrounds.set(plane, sheet);
    }
    return backgrounds.get(plane);
  };

  const draw = course.onceAFrame(() => {
    const z = [0, 1].map((axis) => plane.low[axis] + (axis ? 1 - place.y : place.x) * (plane.high[axis] - plane.low[axis]));
    course.paint(digit, plane.network.run(z), plane.shape);
    let [nearest, distance] = [0, Infinity];
    plane.labels.forEach((_, i) => {
      const away = Math.hypot(plane.codes[2 * i] - z[0], plane.codes[2 * i + 1] - z[1]);
      if (away < distance) [nearest, distance] = [i, away];
    });
    words.textContent =
      `z = (${z[0].toFixed(2)}, ${z[1].toFixed(2)}); the nearest code drawn is ${distance.toFixed(2)} away, ` +
      `of a ${plane.labels[nearest]}`;
    const pen = canvas.getContext("2d");
    pen.drawImage(background(), 0, 0);
    pen.beginPath();
    pen.arc(place.x * canvas.width, place.y * canvas.height, 7 * scale, 0, 2 * Math.PI);
    pen.lineWidth = 3 * scale;
    pen.strokeStyle = "#D55E00";
    pen.stroke();
  });

  const slide = (label, value, moved) => course.slider({ label, min: 0, max: 1, step: 0.01, value, digits: 2 }, moved);
  const across = slide("across", place.x, (x) => move(x, place.y));
  const up = slide("up", 1 - place.y, (y) => move(place.x, 1 - y));
  const choose = course.choice("model", planes.map(({ name }) => name), 0, (index) => {
    plane = planes[index];
    draw();
  });
  root.append(
    course.element("div", { class: "stage" }, canvas),
    course.element("div", { class: "controls" }, digit, words, across.root, up.root, ...(planes.length > 1 ? [choose] : [])),
  );
  draw();
});

// Drag a face: across and up move two coordinates of its code, sliders move every coordinate in use.
"use strict";

course.explorer("drag-a-face", (root, { decoder, codes, coordinates, across, up }) => {
  const network = new course.Network(decoder, codes[0].length);
  const [REACH, STEP] = [3.5, 0.2];
  let [which, z] = [0, codes[0].slice()];

  const named = (index) => {
    const { factor } = coordinates.find((coordinate) => coordinate.index === index);
    return `z${index + 1}${factor ? ` (${factor})` : ""}`;
  };
  const label = `A face. Drag it, or use the arrow keys: across moves ${named(across)}, up moves ${named(up)}; Home goes back.`;
  const [, height, width] = decoder.shape;
  const push = (index, by) => (z[index] = course.clamp(z[index] + by, -REACH, REACH));
  const face = course.surface({ label, width, height }, {
    dragged: ({ dx, dy }) => {
      push(across, 2 * REACH * dx);
      push(up, -2 * REACH * dy);
      moved();
    },
    stepped: (right, high) => {
      push(across, STEP * right);
      push(up, STEP * high);
      moved();
    },
    home: () => start(which),
  });
  face.classList.add("face");

  const sliders = coordinates.map(({ index, nats, factor }) => {
    const words = `z${index + 1}${factor ? ` · ${factor}` : ""} (${nats.toFixed(1)} nats)`;
    return course.slider({ label: words, min: -REACH, max: REACH, step: 0.05, value: z[index] }, (value) => {
      z[index] = value;
      draw();
    });
  });
  const draw = course.onceAFrame(() => course.paint(face, network.run(z), decoder.shape));
  const moved = () => {
    coordinates.forEach(({ index }, place) => sliders[place].set(z[index]));
    draw();
  };
  const start = (place) => {
    [which, z] = [place, codes[place].slice()];
    moved();
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  const invent = () => {
    z = z.map(() => course.clamp(normal(), -REACH, REACH));
    moved();
  };

  const hint = course.element("p", { class: "hint" }, `Drag the face: ← → ${named(across)}, ↑ ↓ ${named(up)}`);
  const buttons = course.element(
    "div",
    { class: "buttons" },
    course.button("Another face", () => start((which + 1) % codes.length)),
    course.button("Invent a face", invent),
    course.button("Start again", () => start(which)),
  );
  root.append(
    course.element("div", { class: "stage" }, face, hint),
    course.element("div", { class: "controls" }, ...sliders.map((slider) => slider.root), buttons),
  );
  draw();
});

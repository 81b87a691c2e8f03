// A plugin of JupyterLab that shows the notebook opened first as slides. Nothing is rendered anew: the notebook's own cells are
// shown or hidden, so that sliders, canvases and code stay alive. Arrows or a clicker move, N opens the notes, Escape leaves.

(() => { // a script of a page shares its names with all others: these stay inside
const ZOOMS = [1.7, 1.55, 1.4, 1.3, 1.2, 1.1, 1, 0.92, 0.85, 0.78, 0.7, 0.63]; // the largest at which a slide fits is taken
const WAYS = [ // the classes of each, and the zooms that it may have; the first one that fits is taken
  { classes: [], most: 1.7 }, // a figure below its code
  { classes: ["course-columns"], most: 1.7 }, // or beside it
  { classes: ["course-columns", "course-wrapped"], most: 0.92 }, // the same, and a long line of code goes on below
  { classes: ["course-columns", "course-wrapped", "course-shrunk"], most: 0.78 }, // the same, and the figure is a little smaller
];
const KEPT = 0.85; // the least share of its width that such a figure keeps
const FORWARD = ["ArrowRight", "ArrowDown", " "], BACK = ["ArrowLeft", "ArrowUp"];
const TAKES_KEYS = "input, select, textarea, button, summary, canvas, [contenteditable], [role=slider], .cm-editor, .lm-Menu, .jp-Dialog";

const SHEET = new URL("present.css", document.currentScript.src).href;
const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

async function opened(app) {
  for (;;) {
    const panel = app.shell.currentWidget;
    if (panel?.context?.isReady && panel.content?.widgets?.length && panel.sessionContext.session?.kernel?.status === "idle") return panel;
    await wait(100);
  }
}

// Slides, each a list of steps, each a list of cells; and the cells with notes for the speaker of each slide.
function slidesOf(cells) {
  const slides = [];
  for (const cell of cells) {
    const kind = cell.model.getMetadata("slideshow")?.slide_type;
    if (kind === "skip") continue;
    if (!slides.length || kind === "slide" || kind === "subslide") slides.push({ steps: [[]], notes: [] });
    const slide = slides[slides.length - 1];
    if (kind === "notes") slide.notes.push(cell);
    else if (kind === "fragment") slide.steps.push([cell]);
    else slide.steps[slide.steps.length - 1].push(cell);
  }
  return slides;
}

class Talk {
  constructor(panel) {
    this.panel = panel;
    this.notebook = panel.content;
    this.cells = [...this.notebook.widgets];
    this.slides = slidesOf(this.cells);
    this.place = [0, 0]; // slide, step
    this.bar = this.makeBar();
    this.sizes = new ResizeObserver(() => { if (this.heights() !== this.fitted) this.fitSoon(); }); // a picture came or grew
    this.cells.forEach((cell) => this.sizes.observe(cell.node));
    window.addEventListener("resize", () => this.fitSoon());
    document.addEventListener("keydown", (event) => this.key(event), true);
    document.body.classList.add("course-present");
    this.show();
  }

  makeBar() {
    const bar = document.createElement("div");
    bar.className = "course-present-bar";
    const button = (text, says, act) => {
      const made = document.createElement("button");
      Object.assign(made, { type: "button", textContent: text, title: says });
      made.setAttribute("aria-label", says);
      made.addEventListener("click", () => { act(); made.blur(); });
      bar.append(made);
    };
    button("‹", "back", () => this.go(-1));
    this.count = document.createElement("span");
    bar.append(this.count);
    button("›", "on", () => this.go(1));
    button("notes", "notes for the speaker in a window of their own (key N)", () => this.openNotes());
    document.body.append(bar);
    return bar;
  }

  go(way) {
    let [slide, step] = this.place;
    step += way;
    if (step < 0 && slide > 0) step = this.slides[--slide].steps.length - 1;
    else if (step >= this.slides[slide].steps.length && slide + 1 < this.slides.length) [slide, step] = [slide + 1, 0];
    this.place = [slide, Math.max(0, Math.min(step, this.slides[slide].steps.length - 1))];
    this.show();
  }

  show() {
    const [slide, step] = this.place;
    const { steps } = this.slides[slide];
    const shown = new Map(steps.flatMap((cells, index) => cells.map((cell) => [cell, index])));
    for (const cell of this.cells) {
      cell.node.classList.toggle("course-shown", shown.has(cell));
      cell.node.classList.toggle("course-later", shown.has(cell) && shown.get(cell) > step);
    }
    const first = steps.flat()[0];
    if (first) this.notebook.activeCellIndex = this.cells.indexOf(first); // else the notebook scrolls to a hidden cell
    this.notebook.node.scrollTop = 0;
    this.count.textContent = `${slide + 1} / ${this.slides.length}`;
    this.fitSoon();
    this.writeNotes();
  }

  fitSoon() {
    cancelAnimationFrame(this.soon);
    this.soon = requestAnimationFrame(() => this.fit());
  }

  // The largest letters at which the slide fits; the smallest ones, and scrolling, where it fits at none.
  fit() {
    if (!document.body.classList.contains("course-present")) return;
    if (!ZOOMS.some((zoom) => WAYS.some((way) => this.fits(zoom, way)))) this.lay(ZOOMS[ZOOMS.length - 1], WAYS[0]);
    this.fitted = this.heights();
  }

  lay(zoom, { classes }) {
    const { node } = this.notebook;
    node.style.setProperty("--course-zoom", zoom);
    WAYS[WAYS.length - 1].classes.forEach((name) => node.classList.toggle(name, classes.includes(name)));
  }

  fits(zoom, way) {
    if (zoom > way.most) return false;
    this.lay(zoom, way);
    if (way === WAYS[0]) this.plain = this.widths();
    const { node } = this.notebook;
    const whole = node.scrollHeight <= node.clientHeight + 1 && node.scrollWidth <= node.clientWidth + 1;
    return whole && !this.cuts() && this.widths().every((width, place) => width >= KEPT * this.plain[place]);
  }

  widths() {
    return [...this.notebook.node.querySelectorAll(".course-shown .jp-OutputArea-output img")].map((figure) => figure.offsetWidth);
  }

  // Whether a line of code, a formula, a table or a pair of columns is wider than its place; the slide itself does not grow then.
  cuts() {
    const { node } = this.notebook, inside = ".course-shown :is(.cm-scroller, .jp-RenderedMarkdown, .jp-RenderedHTML)";
    const parts = [...node.querySelectorAll(inside), ...node.querySelectorAll(".course-columns .jp-CodeCell.course-shown")];
    return parts.some((part) => part.scrollWidth > part.clientWidth + 1);
  }

  heights() {
    return this.cells.map((cell) => cell.node.offsetHeight).join();
  }

  key(event) {
    if (event.key === "Escape" && !event.target.closest?.(".jp-Dialog, .lm-Menu")) {
      document.body.classList.toggle("course-present");
      this.fitSoon();
    }
    if (!document.body.classList.contains("course-present") || event.ctrlKey || event.metaKey || event.altKey) return;
    const free = !event.target.closest?.(TAKES_KEYS);
    if (event.key === "PageDown" || (free && FORWARD.includes(event.key) && !event.shiftKey)) this.go(1);
    else if (event.key === "PageUp" || (free && BACK.includes(event.key))) this.go(-1);
    else if (free && event.key === "Home") { this.place = [0, 0]; this.show(); }
    else if (free && event.key === "End") { this.place = [this.slides.length - 1, 0]; this.show(); }
    else if (free && event.key.toLowerCase() === "n") this.openNotes();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  openNotes() {
    this.notes = window.open("", "course-notes", "width=640,height=480");
    this.writeNotes();
  }

  writeNotes() {
    if (!this.notes || this.notes.closed) return;
    const [slide] = this.place, page = this.notes.document;
    page.title = `Notes: slide ${slide + 1}`;
    page.body.style.cssText = "font: 20px/1.4 sans-serif; margin: 24px";
    page.body.textContent = "";
    const line = (text) => page.body.append(Object.assign(page.createElement("p"), { textContent: text }));
    line(`Slide ${slide + 1} of ${this.slides.length}`);
    for (const cell of this.slides[slide].notes) {
      const copy = page.importNode(cell.node.querySelector(".jp-RenderedMarkdown"), true);
      copy.querySelectorAll("details").forEach((box) => { box.open = true; });
      page.body.append(copy);
    }
    if (!this.slides[slide].notes.length) line("No notes for this slide.");
    const next = this.slides[slide + 1]?.steps.flat()[0]?.model.sharedModel.getSource().split("\n")[0];
    line(next ? `Next: ${next.replace(/^#+ /, "")}` : "This is the last slide.");
  }
}

async function begin(app) {
  const panel = await opened(app);
  window.courseTalk = new Talk(panel);
  await app.commands.execute("notebook:run-all-cells");
  window.courseTalk.show();
  window.courseTalkReady = true;
}

function activate(app) {
  document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: SHEET }));
  begin(app); // not awaited: JupyterLab waits for all plugins before it opens the notebook
}

window._JUPYTERLAB = window._JUPYTERLAB || {};
window._JUPYTERLAB["course-present"] = {
  init() {},
  get: async () => () => ({ __esModule: true, default: { id: "course-present:plugin", autoStart: true, activate } }),
};
})();

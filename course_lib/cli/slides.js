// Arrows, space or a clicker move; Home and End; N shows the notes for the speaker. Each slide gets the largest letters that fit.

(() => {
  const ZOOMS = [1.15, 1.08, 1, 0.94, 0.88, 0.82, 0.77, 0.72, 0.67, 0.62];
  const slides = [...document.querySelectorAll(".slide")];
  let at = Math.min(slides.length, Math.max(1, Number(location.hash.slice(1)) || 1)) - 1;
  let step = 0;

  const laters = () => [...slides[at].querySelectorAll(".fragment")].map((part) => Number(part.dataset.step));
  const steps = () => Math.max(0, ...laters());

  // The zoom at which the slide fits, figures below their code or beside it; the smallest one where none does.
  function fit(slide) {
    const inner = slide.querySelector(".inner");
    const fits = (zoom, columns) => {
      slide.classList.toggle("columns", columns);
      inner.style.setProperty("--zoom", zoom);
      return slide.scrollHeight <= 720 && slide.scrollWidth <= 1280;
    };
    return ZOOMS.some((zoom) => fits(zoom, false) || fits(zoom, true));
  }

  function show() {
    const scale = Math.min(innerWidth / 1280, innerHeight / 720);
    slides.forEach((slide, index) => {
      slide.classList.toggle("now", index === at);
      slide.setAttribute("aria-hidden", String(index !== at));
    });
    const slide = slides[at];
    slide.style.transform = `translate(${(innerWidth - 1280 * scale) / 2}px, ${(innerHeight - 720 * scale) / 2}px) scale(${scale})`;
    slide.querySelectorAll(".fragment").forEach((part) => part.classList.toggle("later", Number(part.dataset.step) > step));
    document.getElementById("count").textContent = `${at + 1} / ${slides.length}`;
    history.replaceState(null, "", `#${at + 1}`);
    slide.dataset.fits = fit(slide);
  }

  function go(way) {
    step += way;
    if (step < 0 && at > 0) { at -= 1; step = steps(); }
    else if (step > steps() && at + 1 < slides.length) { at += 1; step = 0; }
    step = Math.max(0, Math.min(step, steps()));
    show();
  }

  function notes() { document.body.classList.toggle("with-notes"); }

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const inside = event.target.closest("summary, button, a");
    if (event.key === " " && inside) return;
    if (["ArrowRight", "ArrowDown", "PageDown", " "].includes(event.key)) go(event.shiftKey ? -1 : 1);
    else if (["ArrowLeft", "ArrowUp", "PageUp"].includes(event.key)) go(-1);
    else if (event.key === "Home") { at = 0; step = 0; show(); }
    else if (event.key === "End") { at = slides.length - 1; step = 0; show(); }
    else if (event.key.toLowerCase() === "n") notes();
    else return;
    event.preventDefault();
  });
  addEventListener("resize", show);
  addEventListener("beforeprint", () => slides.forEach((slide) => { slide.classList.add("now"); fit(slide); }));
  document.addEventListener("toggle", () => fit(slides[at]), true);
  document.getElementById("back").addEventListener("click", () => go(-1));
  document.getElementById("on").addEventListener("click", () => go(1));
  document.getElementById("speaker").addEventListener("click", notes);
  window.courseSlides = { count: slides.length, open: (index) => { at = index; step = 0; step = steps(); show(); return slides[at].dataset.fits; } };
  addEventListener("load", show);
})();

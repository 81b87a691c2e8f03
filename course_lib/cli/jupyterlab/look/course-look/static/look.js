// A plugin of JupyterLab that brings look.css, which lies beside it, and gives every picture its text alternative and the handle
// of each slider its name: both stand in words beside an explorer, and a figure's words in the output's metadata, which
// JupyterLab does not read. On a narrow page it folds the list of files, so that explorers are shown in full size.

(() => { // a script of a page shares its names with all others: these stay inside
const sheet = new URL("look.css", document.currentScript.src).href;
const NARROW = 1500; // pixels: the list of files and a picture beside its controls need more

function describeExplorers() {
  for (const image of document.querySelectorAll(".course-panel img:not([alt])")) {
    const words = image.closest(".course-panel").querySelector(".course-alt")?.textContent;
    if (words) image.alt = words.replace(/^The picture: /, "");
  }
  for (const handle of document.querySelectorAll(".course-panel [role=slider]:not([aria-label])")) {
    const name = handle.closest(".widget-slider")?.querySelector(".widget-label")?.textContent;
    if (name) handle.setAttribute("aria-label", name);
  }
}

function describeFigures(shell) {
  const NEW = ".jp-RenderedImage img:not([alt]):not([data-course-seen])";
  if (!document.querySelector(NEW)) return;
  for (const page of shell.widgets("main")) {
    for (const cell of page.content?.widgets ?? []) {
      const area = cell.outputArea;
      area?.widgets.forEach((shown, index) => {
        const image = shown.node.querySelector(NEW);
        if (!image) return;
        image.dataset.courseSeen = ""; // a picture without words, as of a student's own, is not looked at again
        const words = area.model.get(index)?.metadata["image/png"]?.alt;
        if (words) image.alt = words;
      });
    }
  }
}

function activate(app) {
  const describe = () => { describeExplorers(); describeFigures(app.shell); };
  new MutationObserver(describe).observe(document.body, { childList: true, subtree: true });
  document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: sheet }));
  app.restored.then(() => { if (window.innerWidth < NARROW) app.shell.collapseLeft?.(); });
}

window._JUPYTERLAB = window._JUPYTERLAB || {};
window._JUPYTERLAB["course-look"] = {
  init() {},
  get: async () => () => ({ __esModule: true, default: { id: "course-look:plugin", autoStart: true, activate } }),
};
})();

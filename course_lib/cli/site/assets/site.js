// Light and dark, the list of lessons on a narrow screen, the search, and the place in the contents.
"use strict";

(() => {
  const root = document.documentElement;
  const find = (selector) => document.querySelector(selector);

  find(".theme").addEventListener("click", () => {
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem("course-theme", root.dataset.theme);
    } catch {
      // no storage: the choice holds for this page
    }
    document.dispatchEvent(new Event("themechange"));
  });

  const menu = find(".menu");
  const openMenu = (open) => {
    menu.setAttribute("aria-expanded", open);
    root.classList.toggle("menu-open", open);
  };
  menu.addEventListener("click", () => openMenu(menu.getAttribute("aria-expanded") !== "true"));

  // What is wider than the screen scrolls, and so the keyboard must reach it. Too wide a formula gets a line of its own.
  const reach = () => {
    for (const each of document.querySelectorAll("main math:not([display=block])")) {
      each.classList.remove("wide");
      const text = each.closest("p, li, td, figure, main");
      if (each.getBoundingClientRect().width > text.clientWidth) each.classList.add("wide");
    }
    for (const each of document.querySelectorAll("pre, .shown, math[display=block], math.wide, table")) {
      if (each.scrollWidth > each.clientWidth + 1) each.tabIndex = 0;
      else each.removeAttribute("tabindex");
    }
  };
  reach();
  window.addEventListener("load", reach);
  window.addEventListener("resize", reach);

  // Search: every word must begin a word of a section; a word in a heading counts most.
  const [query, found] = [find("#query"), find("#found")];
  let loading = null;
  const index = () =>
    (loading ||= new Promise((resolve) => {
      const script = document.createElement("script");
      script.src = "data/search.js";
      const lower = (row) => ({ row, texts: row.map((text) => text.toLowerCase()) });
      script.onload = () => resolve(window.courseIndex.map(lower));
      document.head.append(script);
    }));
  const begins = (text, word) => {
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
      if (at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1])) return at;
    }
    return -1;
  };
  const score = ([, lesson, , heading, text], words) => {
    let total = 0;
    for (const word of words) {
      const points = 6 * (begins(heading, word) >= 0) + 4 * (begins(lesson, word) >= 0) + (begins(text, word) >= 0);
      if (!points) return 0;
      total += points;
    }
    return total;
  };
  const excerpt = (text, word) => {
    const at = Math.max(0, begins(text.toLowerCase(), word));
    const from = Math.max(0, at - 50);
    const line = document.createElement("span");
    const marked = document.createElement("mark");
    marked.textContent = text.slice(at, at + word.length);
    line.append(from ? "…" : "", text.slice(from, at), marked, text.slice(at + word.length, at + 110), "…");
    return line;
  };
  const search = async () => {
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    const sections = await index();
    const hits = words.length
      ? sections.map(({ row, texts }) => ({ row, points: score(texts, words) })).filter(({ points }) => points)
      : [];
    hits.sort((one, other) => other.points - one.points);
    found.replaceChildren();
    found.hidden = !words.length;
    const count = document.createElement("p");
    count.setAttribute("role", "status");
    count.textContent = hits.length ? `${hits.length} section${hits.length > 1 ? "s" : ""}` : "nothing found";
    found.append(count);
    for (const { row: [file, lesson, anchor, heading, text] } of hits.slice(0, 20)) {
      const link = document.createElement("a");
      link.href = `${file}#${anchor}`;
      const title = document.createElement("b");
      title.textContent = heading === lesson ? lesson : `${lesson} › ${heading}`;
      link.append(title, excerpt(text, words[0]));
      link.addEventListener("click", () => close());
      found.append(link);
    }
  };
  const close = () => (found.hidden = true);
  query.addEventListener("focus", index);
  query.addEventListener("input", search);
  find(".search").addEventListener("keydown", (event) => {
    const places = [query, ...found.querySelectorAll("a")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") {
      close();
      query.focus();
    } else if (event.key === "Enter" && event.target === query) places[1]?.click();
    else if (step && !found.hidden) {
      event.preventDefault();
      places[places.indexOf(document.activeElement) + step]?.focus();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(input|textarea|select)$/i.test(event.target.tagName)) {
      event.preventDefault();
      query.focus();
    }
    if (event.key === "Escape") openMenu(false);
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest(".search")) close();
    if (!event.target.closest("#lessons, .menu")) openMenu(false);
  });

  // The contents show which section is on the screen.
  const links = [...document.querySelectorAll("#contents a")];
  const entries = new Map(links.map((link) => [decodeURIComponent(link.hash.slice(1)), link]));
  const headings = [...document.querySelectorAll("main h2[id]")].filter(({ id }) => entries.has(id));
  const mark = () => {
    const here = headings.filter((heading) => heading.getBoundingClientRect().top < 140).pop();
    for (const [id, link] of entries) {
      if (id === here?.id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };
  if (entries.size) window.addEventListener("scroll", mark, { passive: true });
  find("#lessons [aria-current]")?.scrollIntoView({ block: "center" });
  window.scrollTo(0, 0);
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
})();

// Starts the page: facts in its head, the board, the plots; then follows the sections' links.
"use strict";

(() => {
  const { aac } = window;
  const { board: model, dom, state, words } = aac;
  const { el, find } = dom;

  function facts() {
    const rows = Object.values(model.all.rows);
    const amount = (kind) => rows.filter((row) => row.kind === kind).length;
    const told = [
      ["measured", amount("measured")],
      ["re-scored", amount("re-scored")],
      ["published", amount("published")],
    ];
    const list = told.filter(([, count]) => count).map(([kind, count]) => fact(count, kind, dom.shape(kind)));
    const findings = Object.keys(model.all.findings).length;
    if (findings) list.push(fact(findings, findings === 1 ? "audit finding" : "audit findings", null));
    dom.fill(find("facts"), list);
  }

  function fact(count, text, sign) {
    return el("li", {}, sign, el("b", { class: "figure" }, count.toLocaleString("en")), ` ${text}`);
  }

  // Sections are reached by ?at=, because the address after "#" is the reader's choices.
  function visit(name) {
    const section = name && find(name);
    if (!section || !section.matches("main section")) return;
    section.scrollIntoView();
    section.focus({ preventScroll: true });
  }

  function attachSections() {
    for (const link of document.querySelectorAll("a[data-at]")) {
      const at = link.dataset.at;
      link.href = state.link({ at });
      link.addEventListener("click", (event) => {
        event.preventDefault();
        state.go({ at });
        visit(at);
      });
    }
    state.follow(() => {
      for (const link of document.querySelectorAll("a[data-at]")) link.href = state.link({ at: link.dataset.at });
    });
    visit(state.get().at);
  }

  function start() {
    window.aacTheme.attach(find("theme"));
    facts();
    if (state.get().board) draw();
    else find("board-title").textContent = "No boards yet";
    document.documentElement.dataset.ready = words.count(model.all.boards.length, "board");
  }

  function draw() {
    for (const part of ["picker", "controls", "table", "provenance", "quality", "slope", "gain", "matrix", "audit"]) aac[part].attach();
    attachSections();
  }

  start();
})();

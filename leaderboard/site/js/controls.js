// What of a board is shown: words to look for, kinds of rows, columns.
"use strict";

(() => {
  const { board: model, dom, state, words } = window.aac;
  const { el, find } = dom;

  function kinds() {
    const now = state.get();
    const rows = model.rows(now.board);
    const buttons = state.KINDS.map((kind) => [kind, rows.filter((row) => row.kind === kind).length]);
    dom.redraw(find("kinds"), buttons.filter(([, amount]) => amount).map(([kind, amount]) => toggle(now, kind, amount)));
  }

  function toggle(now, kind, amount) {
    const shown = !now.hidden.includes(kind);
    const hidden = shown ? [...now.hidden, kind] : now.hidden.filter((other) => other !== kind);
    const attributes = {
      class: "button kind", type: "button", "aria-pressed": String(shown), title: words.KINDS[kind],
      data: { focus: `kind ${kind}`, kind }, on: { click: () => state.go({ hidden }) },
    };
    return el("button", attributes, dom.shape(kind), kind, " ", el("span", { class: "amount" }, String(amount)));
  }

  // --- columns ----------------------------------------------------------------------------------

  function columns() {
    const now = state.get();
    const { main, more } = model.available(now.board);
    const shown = model.columns(now.board, now.columns);
    const part = (title, ids) => {
      return ids.length ? el("fieldset", {}, el("legend", {}, title), ids.map((id) => box(id, shown))) : null;
    };
    const all = quick("All", () => choose([...main, ...more]));
    const usual = quick("Usual", () => state.go({ columns: null }));
    dom.redraw(find("columns"), part("Usual", main), part("More", more), el("div", { class: "row" }, all, usual));
    find("columns-button").textContent = `Columns ${shown.length} of ${main.length + more.length}`;
  }

  function quick(title, click) {
    return el("button", { class: "button quiet", type: "button", data: { focus: title }, on: { click } }, title);
  }

  function box(id, shown) {
    const figure = model.figure(id);
    const input = el("input", {
      type: "checkbox", checked: shown.includes(id), data: { focus: `column ${id}`, id },
      on: { change: () => choose(checked()) },
    });
    return el("label", { title: figure.about || null }, input, figure.label);
  }

  function checked() {
    return [...find("columns").querySelectorAll("input:checked")].map((input) => input.dataset.id);
  }

  // A board without columns is no board: the last one stays.
  function choose(ids) {
    const { board } = state.get();
    const usual = String(model.columns(board, null)) === String(model.columns(board, ids));
    if (ids.length) state.go({ columns: usual ? null : ids });
    else columns();
  }

  function unfold(open) {
    find("columns").hidden = !open;
    find("columns-button").setAttribute("aria-expanded", String(open));
  }

  function attachColumns() {
    const button = find("columns-button");
    button.addEventListener("click", () => unfold(find("columns").hidden));
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || find("columns").hidden || document.querySelector("dialog[open]")) return;
      unfold(false);
      button.focus();
    });
    document.addEventListener("click", (event) => {
      if (!event.composedPath().includes(find("columns-box"))) unfold(false);
    });
  }

  // --- the filter -------------------------------------------------------------------------------

  function attachFilter() {
    const field = find("filter");
    field.addEventListener("input", () => state.go({ words: field.value }, { replace: true }));
  }

  function draw() {
    const field = find("filter");
    if (field.value !== state.get().words) field.value = state.get().words;
    kinds();
    columns();
  }

  function attach() {
    attachColumns();
    attachFilter();
    draw();
    state.follow((now, before) => {
      if (!state.same(now, before, ["board", "columns", "words", "hidden"])) draw();
    });
  }

  window.aac.controls = { attach };
})();

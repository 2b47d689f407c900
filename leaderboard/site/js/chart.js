// What all charts share: a choice of figure, the plot, a sentence that says what it shows, a table.
"use strict";

(() => {
  const { board: model, dom, plot, state } = window.aac;
  const { el, find } = dom;

  // A select of figures; the choice goes into the state under the chart's name.
  function chooser(name, ids, chosen) {
    const option = (id) => el("option", { value: id, selected: id === chosen }, model.figure(id).label);
    const change = (event) => state.go({ [name]: event.target.value });
    const attributes = { class: "field", id: `${name}-figure`, data: { focus: `${name} figure` }, on: { change } };
    return el("label", { class: "chooser" }, el("span", {}, "Figure"), el("select", attributes, ids.map(option)));
  }

  // The wanted figure where the chart has it; else the first of its usual ones; else any.
  function pick(wanted, ids, usual = []) {
    return [wanted, ...usual].find((id) => ids.includes(id)) || ids[0] || null;
  }

  function table(head, rows) {
    const titles = head.map((title) => el("th", { scope: "col" }, title));
    const cell = (text, at) => (at ? el("td", {}, text) : el("th", { scope: "row" }, text));
    const body = el("tbody", {}, rows.map((cells) => el("tr", {}, cells.map(cell))));
    const whole = el("table", { class: "plain" }, el("thead", {}, el("tr", {}, titles)), body);
    return el("div", { class: "sheet", role: "region", tabindex: "0", "aria-label": "The plot as a table" }, whole);
  }

  function asTable(name, head, rows) {
    const open = find(`${name}-table`).querySelector("details[open]") !== null;
    return el("details", { open }, el("summary", { data: { focus: `${name} table` } }, "The same as a table"), table(head, rows));
  }

  // content: { ids, chosen, words (for the spec), summary, head, rows } or { empty: "sentence" }
  function show(name, content) {
    const host = find(`${name}-plot`);
    if (content.empty) {
      plot.clear(host);
      dom.fill(find(`${name}-choice`));
      dom.fill(find(`${name}-table`));
      find(`${name}-says`).textContent = content.empty;
      return;
    }
    dom.redraw(find(`${name}-choice`), chooser(name, content.ids, content.chosen));
    dom.redraw(find(`${name}-table`), asTable(name, content.head, content.rows));
    find(`${name}-says`).textContent = content.summary;
    const room = host.clientWidth;
    plot.draw(host, name, { ...content.words(room), summary: content.summary });
  }

  // Draws now, and again when one of `parts` of the state changes or the window's width does.
  function attach(name, content, parts) {
    const host = find(`${name}-plot`);
    const draw = () => show(name, content(state.get()));
    let width = host.clientWidth;
    draw();
    state.follow((now, before) => {
      if (!state.same(now, before, parts)) draw();
    });
    new ResizeObserver(() => {
      if (host.clientWidth === width) return;
      width = host.clientWidth;
      draw();
    }).observe(host);
  }

  window.aac.chart = { attach, chooser, pick };
})();

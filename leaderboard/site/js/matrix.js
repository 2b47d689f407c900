// Trained here, tested there: one number for each pair, shaded by how good it is.
"use strict";

(() => {
  const { board: model, chart, dom, state, table: opener, words } = window.aac;
  const { el, find } = dom;

  function chosen(now) {
    const all = model.all.matrix;
    return all.find((each) => each.figure === now.matrix) || all[0] || null;
  }

  // Shades are of the column: how hard a target is says nothing about who was trained where.
  function shade(matrix, cell) {
    const column = matrix.cells.filter((other) => other.target === cell.target).map((other) => other.value);
    const [least, most] = [Math.min(...column), Math.max(...column)];
    if (most === least) return 0.5;
    const part = (cell.value - least) / (most - least);
    return model.descending(matrix.figure) ? part : 1 - part;
  }

  function square(matrix, train, target, figure) {
    const cell = matrix.cells.find((each) => each.train === train && each.target === target);
    if (!cell || cell.value === null) return el("td", { class: "none" }, words.NONE);
    const digits = words.decimals(figure);
    const text = words.number(cell.value, digits);
    const range = words.interval(cell, figure);
    const label = `${text} ${figure.label}, trained on ${train}, tested on ${target}`;
    const attributes = {
      class: "value", type: "button", "aria-label": label,
      data: { focus: `matrix ${train} ${target}` }, on: { click: () => opener.show(cell.row, matrix.figure) },
    };
    const small = range ? el("small", {}, range) : null;
    const node = el("td", { class: cell.domain === "in" ? "home" : null }, el("button", attributes, text), small);
    node.style.setProperty("--part", `${Math.round(shade(matrix, cell) * 100)}%`);
    return node;
  }

  function head(matrix) {
    const corner = el("td", {}, el("span", { class: "faint" }, "trained on \u2193  tested on \u2192"));
    return el("thead", {}, el("tr", {}, corner, matrix.targets.map((target) => el("th", { scope: "col" }, target))));
  }

  function line(matrix, train, figure) {
    const cells = matrix.targets.map((target) => square(matrix, train, target, figure));
    return el("tr", {}, el("th", { scope: "row" }, train), cells);
  }

  function choice(matrix) {
    return chart.chooser("matrix", model.all.matrix.map((each) => each.figure), matrix.figure);
  }

  function summary(matrix, figure) {
    const home = matrix.cells.filter((cell) => cell.domain === "in").length;
    const pairs = words.count(matrix.cells.length, "pair");
    return `${pairs} of training and target, ${home} of them in-domain (framed). `
      + `Each cell is the best ranked system of its pair by ${figure.label}; shades compare within a column.`;
  }

  function draw() {
    const matrix = chosen(state.get());
    if (!matrix) {
      find("matrix-says").textContent = "No system has been scored yet that says what it was trained on.";
      return;
    }
    const figure = model.figure(matrix.figure);
    dom.redraw(find("matrix-choice"), choice(matrix));
    find("matrix-says").textContent = summary(matrix, figure);
    const body = el("tbody", {}, matrix.train.map((train) => line(matrix, train, figure)));
    dom.redraw(find("matrix-table"), head(matrix), body);
  }

  function attach() {
    draw();
    state.follow((now, before) => {
      if (!state.same(now, before, ["matrix"])) draw();
    });
  }

  window.aac.matrix = { attach };
})();

// The board itself: one row a system, one column a figure, every number a door to its provenance.
"use strict";

(() => {
  const { board: model, dom, state, words } = window.aac;
  const { el } = dom;
  const STRICT_TAGS = { in: "strict: in", out: "strict: out", unknown: "strict: ?" };

  function draw() {
    const now = state.get();
    const columns = model.columns(now.board, now.columns);
    const list = model.shown(now.board, now);
    const reasons = window.aac.reasons(list);
    dom.find("table").classList.toggle("unranked", !hasRanks(now.board));
    dom.redraw(dom.find("table"), caption(now.board), head(now, columns), body(now, list, columns, reasons));
    dom.fill(dom.find("legend"), window.aac.legend(now.board, list, columns, reasons));
    window.aac.keys.rove(dom.find("table").tBodies[0]);
    tell(list.length, now.board.rows.length);
  }

  function caption(board) {
    const about = "Each number opens where it comes from; arrow keys move among them.";
    return el("caption", { class: "visually-hidden" }, `${board.title}. ${about}`);
  }

  function tell(shown, all) {
    const part = shown === all ? words.count(all, "row") : `${shown} of ${words.count(all, "row")}`;
    dom.find("count").textContent = part;
  }

  // --- head -------------------------------------------------------------------------------------

  function head(now, columns) {
    const ranked = rankedBy(now);
    const rank = el("th", { scope: "col", class: "rank" }, el("span", { title: rankTitle(ranked) }, "Rank"));
    const cells = columns.map((id) => header(now, id, model.figure(id)));
    const system = header(now, "system", { label: "System", higher_is_better: false });
    return el("thead", {}, el("tr", {}, hasRanks(now.board) ? rank : null, system, cells));
  }

  function hasRanks(board) {
    return Object.values(board.ranks).some((ranks) => Object.keys(ranks).length);
  }

  // Ranks of the column that is sorted by, where it has any; else of the board's own column.
  function rankedBy({ board, sort }) {
    return board.ranks[sort.id] ? sort.id : board.order_by;
  }

  function rankTitle(id) {
    return `by ${model.figure(id).label}, with the ranks that it may as well have`;
  }

  function header(now, id, figure) {
    const sorted = now.sort.id === id;
    const direction = now.sort.down ? "descending" : "ascending";
    const button = el(
      "button",
      {
        class: "sort", type: "button", title: figure.about || null, data: { focus: `sort ${id}` },
        on: { click: () => state.go({ sort: next(now, id) }) },
      },
      el("span", {}, figure.label),
      figure.unit ? el("span", { class: "unit" }, figure.unit) : null,
      el("span", { class: "arrow", "aria-hidden": "true" }, sorted ? (now.sort.down ? "\u2193" : "\u2191") : ""),
    );
    const kind = id === "system" ? "system" : "number";
    return el("th", { scope: "col", class: kind, "aria-sort": sorted ? direction : "none", data: { column: id } }, button);
  }

  // First press: best first (names: from A). Next: the other way round.
  function next(now, id) {
    const best = id === "system" ? false : model.descending(id);
    return { id, down: now.sort.id === id ? !now.sort.down : best };
  }

  // --- body -------------------------------------------------------------------------------------

  function body(now, list, columns, reasons) {
    if (!list.length) {
      const text = now.board.rows.length ? "No row is left: clear the filter, or show more kinds." : "No rows.";
      return el("tbody", {}, el("tr", {}, el("td", { class: "empty", colspan: columns.length + 2 }, text)));
    }
    return el("tbody", {}, list.map((row) => line(now, row, columns, reasons)));
  }

  function line(now, row, columns, reasons) {
    const cells = columns.map((id) => cell(now.board, row, id));
    const open = { data: { row: row.id, kind: row.kind } };
    return el("tr", open, hasRanks(now.board) ? rank(now, row, reasons) : null, system(row), cells);
  }

  function rank(now, row, reasons) {
    const place = model.rank(now.board, rankedBy(now), row);
    if (place) {
      return el("td", { class: "rank" }, String(place.rank), small(words.rank(place)));
    }
    const letter = row.unranked ? el("sup", {}, reasons.get(row.unranked)) : null;
    const title = row.unranked || `no ${model.figure(rankedBy(now)).label}, so no rank`;
    return el("td", { class: "rank none", title }, words.NONE, letter);
  }

  function small(text) {
    return text ? el("small", {}, text) : null;
  }

  function system(row) {
    const name = el(
      "button",
      { class: "name", type: "button", data: opener(row.id, ""), on: { click: () => show(row.id, "") } },
      row.system,
      row.marks.length ? el("sup", { class: "marks" }, row.marks.join(" ")) : null,
    );
    return el(
      "th",
      { scope: "row", class: "system" },
      el("div", { class: "who" }, dom.shape(row.kind), name),
      el("div", { class: "sub" }, origin(row), strict(row), audit(row)),
    );
  }

  function origin(row) {
    const where = row.provenance.kind === "paper" ? `${model.cited(row)}, table ${row.provenance.table}` : row.kind;
    const trained = row.trained_on && row.trained_on.length ? `trained on ${words.list(row.trained_on)}` : row.training;
    return el("span", {}, [where, trained].filter(Boolean).join(" \u00b7 "));
  }

  function strict(row) {
    const verdict = row.domain.strict;
    const title = words.STRICT[verdict];
    return el("span", { class: `tag strict-${verdict}`, title }, STRICT_TAGS[verdict]);
  }

  function audit(row) {
    if (!row.findings.length) return null;
    const worst = severity(row.findings) || "remark";
    const text = words.count(row.findings.length, "finding");
    const attributes = {
      class: `tag finding ${worst}`, type: "button", title: "what the audit says of this row",
      data: opener(row.id, "audit"), on: { click: () => show(row.id, "audit") },
    };
    return el("button", attributes, text);
  }

  function severity(ids) {
    const found = ids.map((id) => model.all.findings[id]).filter(Boolean).map((each) => each.severity);
    return ["contradiction", "doubt", "remark"].find((level) => found.includes(level)) || null;
  }

  // Whether a finding names this figure: not only the row but the number itself is marked then.
  function concerns(name, figure) {
    const found = model.all.findings[name];
    return Boolean(found && found.figures && found.figures.includes(figure));
  }

  function cell(board, row, id) {
    if (id === "latency") return latency(row);
    if (id === "parameters") return parameters(row);
    const value = model.cell(row, id);
    if (!value || value.value === null) return missing();
    const figure = model.figure(id);
    const best = model.isBest(board, id, row);
    const flag = severity(row.findings.filter((name) => concerns(name, id)));
    const classes = ["number", best && "best", value.self_scored && "self", flag && `flag ${flag}`].filter(Boolean).join(" ");
    return el("td", { class: classes }, number(row, id, words.score(value, figure), signs(value)), small(words.interval(value, figure)));
  }

  function signs(value) {
    const sign = (value.self_scored ? "\u00b0" : "") + (value.printed !== null && value.note ? "*" : "");
    return sign ? el("sup", {}, sign) : null;
  }

  function missing() {
    return el("td", { class: "number none" }, el("span", { title: "no figure" }, words.NONE));
  }

  function number(row, id, text, ...more) {
    const label = `${text} ${model.figure(id).label}, ${row.system}`;
    const attributes = { class: "value", type: "button", "aria-label": label, data: opener(row.id, id) };
    return el("button", { ...attributes, on: { click: () => show(row.id, id) } }, text, ...more);
  }

  function latency(row) {
    const time = row.latency;
    if (!time || time.p50_ms === null) return missing();
    const invalid = time.valid === false;
    const below = invalid ? "invalid" : time.p95_ms ? `p95 ${words.milliseconds(time.p95_ms)}` : "";
    const title = invalid ? time.reason : null;
    const door = number(row, "latency", words.milliseconds(time.p50_ms));
    return el("td", { class: `number ${invalid ? "invalid" : ""}`, title }, door, small(below));
  }

  function parameters(row) {
    const amount = model.value(row, "parameters");
    if (amount === null) return missing();
    return el("td", { class: "number" }, number(row, "parameters", words.size(amount)));
  }

  // --- doors ------------------------------------------------------------------------------------

  function opener(row, figure) {
    return { focus: `open ${row}~${figure}`, open: "" };
  }

  function show(row, figure) {
    state.go({ open: figure ? `${row}~${figure}` : row }, { note: { opened: true } });
  }

  function attach() {
    window.aac.keys.attach(dom.find("table"));
    draw();
    state.follow((now, before) => {
      if (!state.same(now, before, ["board", "sort", "columns", "words", "hidden"])) draw();
    });
  }

  window.aac.table = { attach, severity, show };
})();

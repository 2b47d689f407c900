// What stands beneath a board: its signs and letters explained, and what the board itself notes.
"use strict";

(() => {
  const { board: model, dom } = window.aac;
  const { el } = dom;

  // Each reason for having no rank once, by letter: a, b, c.
  function reasons(list) {
    const distinct = [...new Set(list.map((row) => row.unranked).filter(Boolean))];
    return new Map(distinct.map((reason, index) => [reason, String.fromCharCode(97 + (index % 26))]));
  }

  function legend(board, list, columns, reasons) {
    const cells = list.flatMap((row) => columns.map((id) => model.cell(row, id))).filter(Boolean);
    const ranked = Object.values(board.ranks).some((ranks) => Object.keys(ranks).length);
    const lines = [...reasons].map(([reason, letter]) => [ranked ? letter : "", `${ranked ? "" : "No ranks: "}${reason}`]);
    if (cells.some((value) => value.self_scored)) {
      lines.push(["\u00b0", "self-scored: the judge also guided or retrieved for the system; shown, not ranked"]);
    }
    if (cells.some((value) => value.printed !== null && value.note)) {
      lines.push(["*", "what is printed cannot be taken as it stands: the number opens a note"]);
    }
    for (const [mark, meaning] of footnotes(list)) lines.push([mark, meaning]);
    const terms = lines.map(([sign, text]) => [el("dt", {}, sign), el("dd", {}, text)]);
    return [lines.length ? el("dl", {}, terms) : null, noted(board.notes)];
  }

  const FEW = 3;

  // What the board says of its tests, figure by figure: folded away where it is long.
  function noted(notes) {
    if (!notes.length) return null;
    const list = el("ul", {}, notes.map((note) => el("li", {}, note)));
    return notes.length > FEW ? el("details", {}, el("summary", {}, `${notes.length} notes on what is bold and what is not`), list) : list;
  }

  // A paper's own stars and daggers, where the row says one meaning for each of them.
  function footnotes(list) {
    const told = new Map();
    for (const row of list.filter((each) => each.marks.length === each.footnotes.length)) {
      row.marks.forEach((mark, at) => told.set(`${mark} ${model.cited(row) || row.system}: ${row.footnotes[at]}`, mark));
    }
    return [...told].map(([meaning, mark]) => [mark, meaning.slice(mark.length + 1)]);
  }

  window.aac.legend = legend;
  window.aac.reasons = reasons;
})();

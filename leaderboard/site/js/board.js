// The boards as data: which there are, and what a board's rows hold in each column.
"use strict";

(() => {
  const all = window.aacBoards;
  const KIND_TITLES = { sound: "Sound", music: "Music", image: "Image", retrieval: "Retrieval" };
  const DOMAIN_ORDER = ["in", "out", "unknown"];

  // Columns that are no scores, read from elsewhere in a row.
  const COSTS = {
    latency: {
      label: "Latency", unit: "ms", higher_is_better: false,
      about: "milliseconds a clip, half of the clips faster",
      read: (row) => (row.latency ? row.latency.p50_ms : null),
    },
    parameters: {
      label: "Size", unit: "parameters", higher_is_better: false,
      about: "parameters of all parts together",
      read: (row) => row.parameters ?? (cell(row, "parameters") || {}).value,
    },
  };

  const byId = new Map(all.boards.map((board) => [board.id, board]));

  function row(id) {
    return Object.hasOwn(all.rows, id) ? all.rows[id] : null;
  }

  function rows(board) {
    return board.rows.map(row).filter(Boolean);
  }

  function figure(id) {
    if (Object.hasOwn(COSTS, id)) return COSTS[id];
    const known = Object.hasOwn(all.figures, id) ? all.figures[id] : null;
    return known || { label: id, higher_is_better: true, decimals: 3, about: "" };
  }

  function cell(of, id) {
    return Object.hasOwn(of.figures, id) ? of.figures[id] : null;
  }

  function value(of, id) {
    if (Object.hasOwn(COSTS, id)) return COSTS[id].read(of) ?? null;
    const found = cell(of, id);
    return found ? found.value : null;
  }

  // All that a board can show, scores first; costs only where some row has one.
  function available(board) {
    const costs = Object.keys(COSTS).filter((id) => rows(board).some((each) => value(each, id) !== null));
    const more = board.more.filter((id) => !costs.includes(id));
    if (!board.columns.length) return { main: [...more, ...costs], more: [] };
    return { main: [...board.columns, ...costs], more };
  }

  // "Choi et al. 2024": how a row's paper is called where there is no room for its title.
  function cited(of) {
    const name = of.provenance.paper;
    const paper = (all.papers || {})[name];
    return (paper && [paper.authors, paper.year].filter(Boolean).join(" ")) || name;
  }

  function columns(board, chosen) {
    const { main, more } = available(board);
    return chosen ? [...main, ...more].filter((id) => chosen.includes(id)) : main;
  }

  // The order that a reader means by "best first" in a column.
  function descending(id) {
    return figure(id).higher_is_better !== false;
  }

  function compare(id, down) {
    return (one, other) => {
      const [a, b] = [value(one, id), value(other, id)];
      if (a === null || b === null) return (a === null) - (b === null); // missing ones last, always
      return down ? b - a : a - b;
    };
  }

  function byName(down) {
    const order = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
    return (one, other) => order.compare(one.system, other.system) * (down ? -1 : 1);
  }

  function sorted(list, { id, down }) {
    return [...list].sort(id === "system" ? byName(down) : compare(id, down));
  }

  // What the filter looks at: who, trained on what, said by whom.
  function searchable(of) {
    const { provenance } = of;
    const parts = [
      of.system, of.training, of.note, of.kind, ...(of.trained_on || []), ...of.marks,
      ...of.footnotes, provenance.paper, provenance.title, provenance.folder, provenance.key,
      cited(of), provenance.table && `table ${provenance.table}`,
    ];
    return parts.filter(Boolean).join("\n").toLowerCase();
  }

  function shown(board, { words, hidden, sort }) {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (of) => wanted.every((word) => searchable(of).includes(word));
    const kept = rows(board).filter((of) => !hidden.includes(of.kind) && fits(of));
    return sorted(kept, sort);
  }

  function rank(board, id, of) {
    const ranks = board.ranks[id];
    return ranks && Object.hasOwn(ranks, of.id) ? ranks[of.id] : null;
  }

  function isBest(board, id, of) {
    return (board.best[id] || []).includes(of.id);
  }

  // "Clotho evaluation, in-domain" -> "Clotho evaluation": the domain has its own place.
  function targetTitle(board) {
    return board.title.replace(/,\s*[^,]*domain[^,]*$/i, "");
  }

  function targetKey(board) {
    return `${board.kind}/${board.target}@${board.split}`;
  }

  function siblings(board) {
    const same = all.boards.filter((other) => targetKey(other) === targetKey(board));
    const place = (each) => DOMAIN_ORDER.indexOf(each.domain);
    return same.sort((one, other) => place(one) - place(other));
  }

  // [{ title: "Sound", targets: [[board, board], ...] }]: boards of a target together, by kind.
  function index() {
    return Object.keys(KIND_TITLES).map((kind) => {
      const keys = [...new Set(all.boards.filter((board) => board.kind === kind).map(targetKey))];
      const first = (key) => all.boards.find((board) => targetKey(board) === key);
      return { title: KIND_TITLES[kind], targets: keys.map((key) => siblings(first(key))) };
    }).filter((group) => group.targets.length);
  }

  // Where a stranger should begin: most systems that were run here and have a rank.
  function first() {
    const ranked = (board) => rows(board).filter((of) => of.ranked);
    const measured = (board) => ranked(board).filter((of) => of.kind === "measured").length;
    const order = (one, other) => measured(other) - measured(one) || ranked(other).length - ranked(one).length;
    return [...all.boards].sort(order)[0];
  }

  function holding(id) {
    return all.boards.find((board) => board.rows.includes(id)) || null;
  }

  window.aac.board = {
    all, available, byId, cell, cited, columns, descending, figure, first, holding, index, isBest, rank,
    row, rows, shown, siblings, targetTitle, value,
  };
})();

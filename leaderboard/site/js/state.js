// What the reader chose, kept in the address after the "#", so that a link shows what its sender saw.
"use strict";

(() => {
  const { board: model } = window.aac;
  const KINDS = ["measured", "re-scored", "published"];
  const CHARTS = ["gain", "matrix", "quality", "slope"]; // which figure each of them shows

  const listeners = [];
  let current = read();

  // The first board only where the address names none that there is.
  function read() {
    const given = new URLSearchParams(window.location.hash.slice(1));
    const board = model.byId.get(given.get("board")) || model.first();
    const state = {
      board,
      sort: board ? order(board, given.get("sort")) : null,
      columns: chosen(given.get("columns")),
      words: given.get("words") || "",
      hidden: (given.get("hide") || "").split(",").filter((kind) => KINDS.includes(kind)),
      open: given.get("open") || "",
      at: given.get("at") || "",
    };
    for (const chart of CHARTS) state[chart] = given.get(chart) || "";
    return state;
  }

  function order(board, word) {
    const down = (word || "").startsWith("-");
    const id = (word || "").replace(/^-/, "");
    const { main, more } = model.available(board);
    if (id === "system" || main.includes(id) || more.includes(id)) return { id, down };
    return { id: board.order_by, down: model.descending(board.order_by) };
  }

  function chosen(word) {
    return word ? word.split(",").filter(Boolean) : null;
  }

  function isDefaultOrder({ board, sort }) {
    return sort.id === board.order_by && sort.down === model.descending(sort.id);
  }

  // Only what differs from the page as it first opens is written into the address.
  function written(state) {
    const words = new URLSearchParams();
    const put = (name, value) => value && words.set(name, value);
    put("board", state.board && state.board.id);
    if (state.board && !isDefaultOrder(state)) put("sort", (state.sort.down ? "-" : "") + state.sort.id);
    put("columns", state.columns && state.columns.join(","));
    put("words", state.words);
    put("hide", state.hidden.join(","));
    for (const chart of CHARTS) put(chart, state[chart]);
    put("open", state.open);
    put("at", state.at);
    return `#${words}`;
  }

  // A new board has its own columns and order; filters stay, because they mean the same there.
  function changed(changes) {
    const next = { ...current, open: "", at: "", ...changes };
    if (next.board !== current.board) {
      next.columns = changes.columns || null;
      next.sort = changes.sort || order(next.board, "");
      next.quality = "";
    }
    return next;
  }

  function link(changes) {
    return written(changed(changes));
  }

  // `replace` for what changes with every key: one step back should undo a choice, not a letter.
  function go(changes, { replace = false, note = null } = {}) {
    const next = changed(changes);
    const address = written(next);
    if (replace) window.history.replaceState(note, "", address);
    else if (address !== window.location.hash) window.history.pushState(note, "", address);
    become(next);
  }

  function become(next) {
    const before = current;
    current = next;
    for (const listener of listeners) listener(current, before);
  }

  // Whether two states agree in some of their parts: what need not be drawn again.
  function same(one, other, parts) {
    const told = (value) => JSON.stringify(value && value.id && value.rows ? value.id : value);
    return parts.every((part) => told(one[part]) === told(other[part]));
  }

  function follow(listener) {
    listeners.push(listener);
  }

  // A click on a link of ours is told twice, as a step in history and as a changed "#".
  function reread() {
    const next = read();
    if (written(next) !== written(current)) become(next);
  }

  window.addEventListener("popstate", reread);
  window.addEventListener("hashchange", reread);

  window.aac.state = { KINDS, follow, get: () => current, go, link, same };
})();

// Which board: an index of targets by kind, and for a target its domains, which never mix.
"use strict";

(() => {
  const { board: model, dom, state, words } = window.aac;
  const { el } = dom;

  function draw() {
    const { board } = state.get();
    dom.redraw(dom.find("index"), model.index().map((group) => section(group, board)));
    dom.fill(dom.find("board-title"), model.targetTitle(board));
    dom.redraw(dom.find("domains"), model.siblings(board).map((each) => domain(each, board)));
    document.title = `${board.title} \u00b7 aacbench leaderboard`;
  }

  function section(group, board) {
    const items = group.targets.map((boards) => el("li", {}, target(boards, board)));
    return el("div", { class: "group" }, el("h3", {}, group.title), el("ul", {}, items));
  }

  // A target opens at the domain that is being read, where it has that one.
  function target(boards, current) {
    const here = boards.includes(current);
    const wanted = boards.find((each) => each.domain === current.domain) || boards[0];
    const amount = boards.reduce((sum, each) => sum + each.rows.length, 0);
    const attributes = {
      href: state.link({ board: wanted }), "aria-current": here ? "true" : null,
      data: { focus: `target ${wanted.target} ${wanted.split} ${wanted.kind}` },
    };
    return el("a", attributes, model.targetTitle(wanted), " ", el("span", { class: "amount" }, String(amount)));
  }

  function domain(board, current) {
    const attributes = {
      href: state.link({ board }), "aria-current": board === current ? "page" : null,
      data: { focus: `domain ${board.domain}` },
    };
    const title = words.DOMAINS[board.domain];
    return el("a", attributes, title, " ", el("span", { class: "amount" }, String(board.rows.length)));
  }

  function attach() {
    draw();
    // Links hold the whole state, so they are written again whenever any of it changes.
    state.follow((now, before) => {
      if (!state.same(now, before, ["board", "words", "hidden", "slope", "gain", "matrix"])) draw();
    });
  }

  window.aac.picker = { attach };
})();

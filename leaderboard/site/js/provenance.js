// Where a number comes from: a run's folder and the command that makes it again, or a paper's table.
"use strict";

(() => {
  const { board: model, dom, state, words } = window.aac;
  const { el, find } = dom;

  // --- what is open -----------------------------------------------------------------------------

  // "row" opens all of a row, "row~figure" one number, "row~audit" what the audit says of it.
  function opened(word) {
    const [id, part = ""] = word.split("~");
    const row = model.row(id);
    return row ? { row, part } : null;
  }

  let opener = null; // to whom the keyboard goes back; none where a link opened the dialog

  function draw() {
    const dialog = find("provenance");
    const wanted = opened(state.get().open);
    if (!wanted) {
      if (dialog.open) dialog.close();
      return;
    }
    dom.fill(find("provenance-head"), heading(wanted));
    dom.fill(find("provenance-body"), content(wanted));
    if (!dialog.open) {
      opener = document.activeElement === document.body ? null : document.activeElement;
      dialog.showModal();
    }
    dialog.scrollTop = 0;
  }

  function heading({ row, part }) {
    const title = el("h2", { id: "provenance-title" }, part === "audit" ? "Audit" : big(row, part));
    return [title, el("p", { class: "soft" }, row.system)];
  }

  function big(row, part) {
    const value = model.cell(row, part);
    const figure = model.figure(part);
    const amount = (number, unit) => [el("span", { class: "figure" }, number), " ", el("span", { class: "of" }, unit)];
    if (part === "latency" && row.latency) return amount(`${words.milliseconds(row.latency.p50_ms)} ms`, "a clip");
    if (part === "parameters" && model.value(row, part) !== null) {
      return amount(model.value(row, part).toLocaleString("en"), "parameters");
    }
    return value ? amount(words.score(value, figure), figure.label) : "Where it comes from";
  }

  function content(wanted) {
    const { row, part } = wanted;
    const audit = findings(row);
    const parts = [
      aboutFigure(wanted),
      audit,
      row.provenance.kind === "run" ? run(row) : paper(row),
      system(row),
    ];
    return parts.filter(Boolean);
  }

  function section(title, ...children) {
    return el("section", {}, el("h3", {}, title), children);
  }

  // [["term", "words" | node | null], ...]: what is not known is not listed.
  function terms(pairs) {
    const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
    return el("dl", {}, known.map(([term, value]) => [el("dt", {}, term), el("dd", {}, value)]));
  }

  // --- the number -------------------------------------------------------------------------------

  function aboutFigure({ row, part }) {
    if (part === "latency" && row.latency) return latency(row.latency);
    const value = model.cell(row, part);
    if (!value) return null;
    const figure = model.figure(part);
    const range = words.interval(value, figure);
    return section(
      "The number",
      terms([
        [figure.label, figure.about],
        ["95 % interval", range || (row.kind === "published" ? "none: papers print none" : null)],
        ["Printed as", value.printed === null ? null : printed(value)],
        ["Scored by", value.self_scored ? "a model that also guided or retrieved for this system, so it is shown and not ranked" : null],
        ["Note", value.note],
      ]),
    );
  }

  const SCALES = { percent: "in percent", x10: "times ten" };

  function printed(value) {
    const scale = SCALES[value.scale];
    return [el("code", {}, value.printed), scale ? ` ${scale}` : ""];
  }

  function latency(time) {
    const verdict = time.valid === null || time.valid === undefined ? null : time.valid ? "valid" : "INVALID";
    return section(
      "The number",
      terms([
        ["Half of the clips within", `${words.milliseconds(time.p50_ms)} ms`],
        ["95 % within", time.p95_ms ? `${words.milliseconds(time.p95_ms)} ms` : "not told: too few samples"],
        ["Measured by", time.source === "profile" ? "the latency profile" : "the run's own clock"],
        ["Verdict", verdict && (time.reason ? `${verdict}: ${time.reason}` : verdict)],
        ["Machine", time.machine],
      ]),
    );
  }

  // --- its source -------------------------------------------------------------------------------

  // Paths are the leaderboard's own, beside this folder. Each part is encoded, so that nothing in a
  // name can leave the path.
  function link(path, text = path) {
    const safe = path.split("/").filter((part) => part && part !== "..").map(encodeURIComponent).join("/");
    return el("a", { href: `../${safe}` }, text);
  }

  function run(row) {
    const from = row.provenance;
    return section(
      row.kind === "re-scored" ? "The captions, scored again" : "The run",
      terms([
        ["Run key", from.key && el("code", {}, from.key)],
        ["Folder", from.folder && el("code", {}, from.folder)],
        ["Commit", from.commit && el("code", {}, from.commit)],
        ["Time", from.time],
        from.rankings
          ? ["Rankings", link(from.rankings)]
          : ["Captions", from.captions ? link(from.captions) : "not ours to give: figures only"],
      ]),
      from.command ? command(from.command) : null,
    );
  }

  function command(text) {
    const button = el("button", { class: "button", type: "button" }, "Copy");
    const block = el("pre", { tabindex: "0", "aria-label": "Command" }, el("code", {}, text));
    button.addEventListener("click", () => copy(text, block, button));
    return el("div", { class: "command" }, el("p", { class: "term" }, "To do it again"), block, button);
  }

  // A page from disk may be refused the clipboard: then the text is selected, one key away from it.
  async function copy(text, block, button) {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      window.getSelection().selectAllChildren(block);
      button.textContent = "Selected";
    }
  }

  function paper(row) {
    const from = row.provenance;
    const file = `published/${from.paper}/table_${from.table}.toml`;
    const marks = row.footnotes.map((meaning, at) => el("li", {}, row.marks[at] ? `${row.marks[at]} ${meaning}` : meaning));
    return section(
      "The paper",
      terms([
        ["Title", from.title || from.paper],
        ["Place", `table ${from.table}, row ${from.row}`],
        ["As data", link(file)],
        ["Footnotes", marks.length ? el("ul", {}, marks) : null],
        ["Note", row.note],
      ]),
    );
  }

  // --- who made it ------------------------------------------------------------------------------

  function system(row) {
    const { coverage } = row;
    const trained = row.trained_on ? words.list(row.trained_on) || "nothing" : "nobody says";
    const covered = coverage && `${coverage.captioned.toLocaleString("en")} of ${words.count(coverage.official, "clip")}`;
    return section(
      "The system",
      terms([
        ["Trained on", trained],
        ["Training", row.training],
        ["Caption domain", words.DOMAINS[row.domain.caption]],
        ["Strict verdict", words.STRICT[row.domain.strict]],
        ["Because", row.domain.reason],
        ["Clips", covered],
        ["No rank", row.unranked],
        ["Note", row.provenance.kind === "run" ? row.note : null],
      ]),
    );
  }

  function findings(row) {
    const found = row.findings.map((id) => model.all.findings[id]).filter(Boolean);
    if (!found.length) return null;
    return section("What the audit says", el("ul", { class: "findings" }, found.map(finding)));
  }

  function finding(each) {
    return el("li", { class: each.severity }, el("span", { class: `tag ${each.severity}` }, each.severity), " ", each.sentence);
  }

  // --- opening and closing ----------------------------------------------------------------------

  // Closing takes the step back that opening was, so that "back" does not open it again.
  function close() {
    const { open } = state.get();
    if (!open) return;
    if (window.history.state && window.history.state.opened) window.history.back();
    else state.go({}, { replace: true });
    if (!opener || !opener.isConnected) dom.focus(document, `open ${open.includes("~") ? open : `${open}~`}`);
  }

  function attach() {
    const dialog = find("provenance");
    dialog.addEventListener("close", close);
    find("provenance-close").addEventListener("click", () => dialog.close());
    // The dark around a dialog is the dialog element itself, not what lies in it.
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    draw();
    state.follow((now, before) => {
      if (now.open !== before.open) draw();
    });
  }

  window.aac.provenance = { attach, finding };
})();

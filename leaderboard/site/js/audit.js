// What the audit found in printed tables, paper by paper, each with a door to its rows.
"use strict";

(() => {
  const { board: model, dom, provenance, table, words } = window.aac;
  const { el, find } = dom;
  const RULES = "each by a rule that knows no names: sums that do not add up, figures cited differently, "
    + "claims that the columns do not bear out.";
  const ORDER = ["contradiction", "doubt", "remark"];

  function papers(findings) {
    const names = [...new Set(findings.map((each) => each.paper || ""))].sort();
    return names.map((name) => ({ name, findings: findings.filter((each) => (each.paper || "") === name) }));
  }

  function title(name) {
    const cited = Object.values(model.all.rows).find((row) => row.provenance.paper === name);
    return (cited && cited.provenance.title) || name || "Other places";
  }

  function item(each) {
    const node = provenance.finding(each);
    const row = each.rows.find((id) => model.row(id));
    const place = each.table ? `table ${each.table}` : "text";
    if (!row) {
      node.append(el("span", { class: "faint" }, ` \u00b7 ${place}`));
      return node;
    }
    const attributes = {
      class: "inline", type: "button", data: { focus: `finding ${each.id}` },
      "aria-label": `${place}: ${model.row(row).system}`, on: { click: () => table.show(row, "audit") },
    };
    node.append(" ", el("button", attributes, place));
    return node;
  }

  function section({ name, findings }) {
    const sorted = [...findings].sort((one, other) => ORDER.indexOf(one.severity) - ORDER.indexOf(other.severity));
    const count = ORDER.map((level) => [findings.filter((each) => each.severity === level).length, level]);
    const told = count.filter(([amount]) => amount).map(([amount, level]) => words.count(amount, level));
    return el(
      "details",
      { class: "paper" },
      el("summary", {}, el("span", { class: "title" }, title(name)), el("span", { class: "amount" }, told.join(", "))),
      el("ul", { class: "findings" }, sorted.map(item)),
    );
  }

  function attach() {
    const findings = Object.values(model.all.findings);
    const groups = papers(findings);
    const amount = `${words.count(findings.length, "finding")} in ${words.count(groups.length, "paper")}`;
    find("audit-says").textContent = findings.length ? `${amount}, ${RULES}` : "The audit has no finding.";
    dom.fill(find("audit-list"), groups.map(section));
  }

  window.aac.audit = { attach };
})();

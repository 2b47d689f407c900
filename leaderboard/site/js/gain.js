// What the guide changes: the same captioner with and without it, on the same clips.
"use strict";

(() => {
  const { board: model, chart, words } = window.aac;
  const SURE = 0.05;

  function pairs() {
    return model.all.pairs
      .map((pair) => ({ ...pair, plain: model.row(pair.without), guided: model.row(pair.with) }))
      .filter((pair) => pair.plain && pair.guided);
  }

  function figures(all) {
    return Object.keys(model.all.figures).filter((id) => all.some((pair) => pair.figures[id]));
  }

  // Sure: the interval leaves zero out, and p stays low when all comparisons are counted.
  function isSure({ low, high, p, adjusted }) {
    const apart = low !== null && high !== null && (low > 0 || high < 0);
    const chance = adjusted ?? p;
    return apart && (chance === null || chance === undefined || chance < SURE);
  }

  function point(pair, id, figure) {
    const found = pair.figures[id];
    const digits = words.decimals(figure);
    const name = `${pair.guided.system} | on ${pair.target}`;
    const range = found.low === null ? "" : ` (${words.number(found.low, digits)} to ${words.number(found.high, digits)})`;
    return {
      pair: name, difference: found.difference,
      low: found.low ?? found.difference, high: found.high ?? found.difference, sure: isSure(found),
      told: `${pair.guided.system} on ${pair.target}: ${words.signed(found.difference, digits)} ${figure.label}${range}`,
    };
  }

  function line(pair, id, figure) {
    const found = pair.figures[id];
    const digits = words.decimals(figure);
    const of = (row) => (model.value(row, id) === null ? words.NONE : words.number(model.value(row, id), digits));
    const known = found.low !== null;
    const range = known ? `${words.number(found.low, digits)} to ${words.number(found.high, digits)}` : words.NONE;
    const chance = found.adjusted ?? found.p ?? null;
    return [
      pair.guided.system, pair.target, of(pair.plain), of(pair.guided), words.signed(found.difference, digits),
      range, chance === null ? words.NONE : words.probability(chance),
    ];
  }

  function summary(points, figure, up) {
    const sure = points.filter((each) => each.sure);
    const better = sure.filter((each) => (up ? each.difference > 0 : each.difference < 0)).length;
    const unsure = points.length - sure.length;
    const told = `${better} surely better with the guide, ${sure.length - better} surely worse`;
    return `${figure.label}: of ${words.count(points.length, "pair")}, ${told}, ${unsure} not told apart (hollow).`;
  }

  function content(now) {
    const known = pairs();
    const ids = figures(known);
    if (!ids.length) return { empty: "No captioner has been run both with and without a guide yet." };
    const id = chart.pick(now.gain, ids, ["aud", "aud:mini", "spider", "fense"]);
    const figure = model.figure(id);
    const all = known.filter((pair) => pair.figures[id]);
    const points = all.map((pair) => point(pair, id, figure));
    return {
      ids, chosen: id, summary: summary(points, figure, model.descending(id)),
      head: ["With the guide", "Target", "Without", "With", "Difference", "95 % interval", "p"],
      rows: all.map((pair) => line(pair, id, figure)),
      words: (room) => ({
        points, height: 38 * points.length, limit: Math.min(280, room * 0.45),
        figure: `difference in ${figure.label}${room < 560 ? "" : ": with the guide, less without"}`,
      }),
    };
  }

  function attach() {
    chart.attach("gain", content, ["gain"]);
  }

  window.aac.gain = { attach };
})();

// From the domain that a system was trained in to another: who keeps what.
"use strict";

(() => {
  const { board: model, chart, words } = window.aac;
  const APART = 0.055; // of the plot's height: how far two names must be from each other

  function slopes(hidden) {
    return model.all.slopes
      .map((slope) => ({ system: slope.system, in: model.row(slope.in), out: model.row(slope.out) }))
      .filter((slope) => slope.in && slope.out && !hidden.includes(slope.in.kind))
      .map((slope, at, all) => ({ ...slope, name: named(slope, all) }));
  }

  // A system that went to two places has two slopes, told apart by the place.
  function named({ system, out }, all) {
    const several = all.filter((other) => other.system === system).length > 1;
    return several ? `${system} \u00b7 ${out.target}` : system;
  }

  function figures(all) {
    const both = (id) => all.some((slope) => slope.in.figures[id] && slope.out.figures[id]);
    return Object.keys(model.all.figures).filter(both);
  }

  // Intervals of several systems would lie on one another: each stands a little beside the last.
  const DODGE = 0.008;

  function end(slope, last, id, at) {
    const row = last ? slope.out : slope.in;
    const figure = model.figure(id);
    const { value, low, high } = model.cell(row, id);
    return {
      slope: at, name: slope.name, system: slope.system, last, side: Number(last) + (low === null ? 0 : DODGE * at),
      value, low: low ?? value, high: high ?? value, label_at: value,
      told: `${slope.system} on ${row.target}: ${words.number(value, words.decimals(figure))} ${figure.label}`,
    };
  }

  // Names at the right edge, moved apart where two systems end at nearly the same height.
  function spread(points) {
    const values = points.flatMap((each) => [each.low, each.high]);
    const least = APART * (Math.max(...values) - Math.min(...values) || 1);
    const ends = points.filter((each) => each.last).sort((one, other) => one.value - other.value);
    const edge = Math.max(...ends.map((each) => each.side));
    ends.forEach((each, at) => {
      each.edge = edge;
      if (at) each.label_at = Math.max(each.value, ends[at - 1].label_at + least);
    });
  }

  function line({ system, in: near, out: far }, id, figure) {
    const digits = words.decimals(figure);
    const [a, b] = [model.value(near, id), model.value(far, id)];
    return [system, near.target, words.number(a, digits), far.target, words.number(b, digits), words.signed(b - a, digits)];
  }

  function summary(all, id, figure) {
    const lost = (slope) => (model.value(slope.out, id) - model.value(slope.in, id)) * (model.descending(id) ? -1 : 1);
    const worse = all.filter((slope) => lost(slope) > 0);
    const most = [...all].sort((one, other) => lost(other) - lost(one))[0];
    const tail = worse.length ? `; ${most.system} loses most (${words.number(lost(most), words.decimals(figure))})` : "";
    return `${worse.length} of ${words.count(all.length, "system")} score worse in ${figure.label} away from home${tail}.`;
  }

  function content(now) {
    const known = slopes(now.hidden);
    const ids = figures(known);
    if (!ids.length) return { empty: "No system has been scored both in-domain and out-of-domain yet." };
    const id = chart.pick(now.slope, ids, ["spider", "fense", "aud", "aud:mini"]);
    const figure = model.figure(id);
    const all = known.filter((slope) => model.value(slope.in, id) !== null && model.value(slope.out, id) !== null);
    const points = all.flatMap((slope, at) => [end(slope, false, id, at), end(slope, true, id, at)]);
    spread(points);
    return {
      ids, chosen: id, summary: summary(all, id, figure),
      head: ["System", "In-domain", figure.label, "Out-of-domain", figure.label, "Difference"],
      rows: all.map((slope) => line(slope, id, figure)),
      words: (room) => {
        const names = Math.min(260, room * 0.42); // pixels for the names beside the right end
        const half = Math.max(room - names - 90, 80);
        return {
          points, figure: figure.label, systems: [...new Set(all.map((slope) => slope.system))],
          span: [-0.12, 1 + names / half], limit: names - 16, reverse: !model.descending(id),
        };
      },
    };
  }

  function attach() {
    chart.attach("slope", content, ["slope", "hidden"]);
  }

  window.aac.slope = { attach };
})();

// Quality against latency: which systems no other beats in both, on one machine.
"use strict";

(() => {
  const { board: model, chart, dom, state, words } = window.aac;

  const FEW = 4; // systems that can all be named without names on one another

  function timed(rows) {
    return rows.filter((row) => row.latency && row.latency.p50_ms > 0);
  }

  function figures(rows, board) {
    return [...board.columns, ...board.more].filter((id) => rows.some((row) => model.value(row, id) !== null));
  }

  // The Pareto front: from the fastest on, each that is better than all faster ones. Times of two
  // machines do not compare, nor does one that its own profile calls invalid.
  function front(points, better) {
    const kept = new Set();
    for (const machine of new Set(points.map((point) => point.machine))) {
      let best = null;
      const here = points.filter((point) => point.machine === machine && !point.invalid);
      here.sort((one, other) => one.ms - other.ms || (better(one.value, other.value) ? -1 : 1));
      for (const point of here) {
        if (best !== null && !better(point.value, best)) continue;
        best = point.value;
        kept.add(point);
      }
    }
    return kept;
  }

  function point(row, id) {
    const value = model.cell(row, id);
    const figure = model.figure(id);
    const ms = row.latency.p50_ms;
    return {
      name: row.system, kind: row.kind, ms, value: value.value,
      low: value.low ?? value.value, high: value.high ?? value.value,
      machine: row.latency.machine || "machine not told", invalid: row.latency.valid === false,
      told: `${row.system}: ${words.score(value, figure)} ${figure.label}, ${words.milliseconds(ms)} ms`,
    };
  }

  function points(rows, id) {
    const up = model.descending(id);
    const all = rows.filter((row) => model.value(row, id) !== null).map((row) => point(row, id));
    const kept = front(all, (one, other) => (up ? one > other : one < other));
    const machines = [...new Set(all.map((each) => each.machine))];
    const series = (each) => `var(--series-${(machines.indexOf(each.machine) % 6) + 1})`;
    return all.map((each) => ({
      ...each, front: kept.has(each), fill: kept.has(each) ? series(each) : "var(--paper)",
    }));
  }

  // Powers of ten with 2 and 5 between them: what a reader expects of a log axis.
  function ticks([least, most]) {
    const all = [-1, 0, 1, 2, 3, 4, 5, 6].flatMap((power) => [1, 2, 5].map((step) => step * 10 ** power));
    return all.filter((tick) => tick >= least && tick <= most);
  }

  function span(all) {
    const times = all.map((each) => each.ms);
    const [least, most] = [Math.min(...times), Math.max(...times)];
    const room = Math.max(most / least, 4) ** 0.14;
    return [least / room, most * room];
  }

  // All intervals and a little air. Told, not found by Vega: a layer may hold no point at all.
  function reach(all) {
    const [least, most] = [Math.min(...all.map((each) => each.low)), Math.max(...all.map((each) => each.high))];
    const air = (most - least || Math.abs(most) || 1) * 0.08;
    return [least - air, most + air];
  }

  // A name stands on that side of its point where there is more room; in a narrow window, only
  // the names on the front.
  function labelled(all, [least, most], narrow) {
    const middle = Math.sqrt(least * most);
    return all.map((each) => ({ ...each, late: each.ms > middle, label: each.front || (!narrow && all.length <= FEW) }));
  }

  function summary(all, figure) {
    const best = all.filter((each) => each.front).sort((one, other) => one.ms - other.ms);
    const told = best.map((each) => `${each.name} (${words.milliseconds(each.ms)} ms)`);
    const machines = new Set(all.map((each) => each.machine)).size;
    const apart = machines > 1 ? ` Times of ${machines} machines are kept apart.` : "";
    if (!best.length) return `No valid latency beside ${figure.label}.${apart}`;
    const who = `${words.list(told)} ${best.length === 1 ? "is" : "are"}`;
    const of = words.count(all.length, "system");
    return `Of ${of}, ${who} beaten by no other in both ${figure.label} and speed.${others(all)}${apart}`;
  }

  function others(all) {
    const told = all.some((each) => !each.front && !each.invalid) ? " Hollow: beaten in both." : "";
    return all.some((each) => each.invalid) ? `${told} Dashed: no valid latency.` : told;
  }

  function line(each, figure) {
    const front = each.invalid ? "no: latency invalid" : each.front ? "yes" : "no";
    return [each.name, words.number(each.value, words.decimals(figure)), words.milliseconds(each.ms), front, each.machine];
  }

  function legend(machines) {
    return machines.length > 1 ? { title: "Machine", symbolType: "stroke", columns: 1 } : null;
  }

  function content(now) {
    const rows = timed(model.shown(now.board, now));
    const ids = figures(rows, now.board);
    if (!ids.length) return { empty: "No system of this board tells both a score and its latency." };
    const id = chart.pick(now.quality, ids, [now.sort.id, now.board.order_by]);
    const figure = model.figure(id);
    const all = points(rows, id);
    const machines = [...new Set(all.map((each) => each.machine))];
    const range = span(all);
    return {
      ids, chosen: id, summary: summary(all, figure),
      head: ["System", figure.label, "Milliseconds", "On the front", "Machine"],
      rows: all.map((each) => line(each, figure)),
      words: (room) => ({
        points: labelled(all, range, room < 560), figure: figure.label, span: range, range: reach(all),
        ticks: ticks(range), machines, legend: legend(machines),
        reverse: !model.descending(id), limit: Math.max(90, room * 0.44),
      }),
    };
  }

  function attach() {
    chart.attach("quality", content, ["board", "sort", "words", "hidden", "quality"]);
  }

  window.aac.quality = { attach, front };
})();

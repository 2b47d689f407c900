// Quality against latency: which systems no other beats in both, on one machine.
"use strict";

(() => {
  const { board: model, chart, dom, state, words } = window.aac;

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
      ...each, front: kept.has(each), label: kept.has(each) || all.length <= 4,
      fill: kept.has(each) ? series(each) : "var(--paper)",
    }));
  }

  // Powers of ten with 2 and 5 between them: what a reader expects of a log axis.
  function ticks([least, most]) {
    const all = [-1, 0, 1, 2, 3, 4, 5, 6].flatMap((power) => [1, 2, 5].map((step) => step * 10 ** power));
    return all.filter((tick) => tick >= least && tick <= most);
  }

  // Room on the right for the name of the slowest system.
  function span(all) {
    const times = all.map((each) => each.ms);
    const [least, most] = [Math.min(...times), Math.max(...times)];
    const wide = Math.max(most / least, 4);
    return [least / wide ** 0.12, most * wide ** 0.4];
  }

  function summary(all, figure) {
    const best = all.filter((each) => each.front).sort((one, other) => one.ms - other.ms);
    const told = best.map((each) => `${each.name} (${words.milliseconds(each.ms)} ms)`);
    const machines = new Set(all.map((each) => each.machine)).size;
    const apart = machines > 1 ? ` Times of ${machines} machines are kept apart.` : "";
    if (!best.length) return `No valid latency beside ${figure.label}.${apart}`;
    return `Of ${words.count(all.length, "system")}, ${words.list(told)} ${best.length === 1 ? "is" : "are"} beaten by no other in both ${figure.label} and speed.${others(all)}${apart}`;
  }

  function others(all) {
    const told = all.some((each) => !each.front && !each.invalid) ? " Hollow: beaten in both." : "";
    return all.some((each) => each.invalid) ? `${told} Dashed: no valid latency.` : told;
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
      rows: all.map((each) => [each.name, words.number(each.value, words.decimals(figure)), words.milliseconds(each.ms), each.invalid ? "no: latency invalid" : each.front ? "yes" : "no", each.machine]),
      words: (room) => ({
        points: all, figure: figure.label, span: range, ticks: ticks(range), machines,
        legend: legend(machines), reverse: !model.descending(id), limit: Math.max(90, room * 0.42),
      }),
    };
  }

  function attach() {
    chart.attach("quality", content, ["board", "sort", "words", "hidden", "quality"]);
  }

  window.aac.quality = { attach, front };
})();

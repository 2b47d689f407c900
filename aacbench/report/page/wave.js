// A clip's sound to look at: wave, spectrogram, known events, one axis of time under all.

const TICKS_HZ = [250, 500, 1000, 2000, 4000, 8000, 16000];
const TICK_APART = 0.09; // of the height, so that no two numbers touch
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600];

function mel(hertz) {
  return 2595 * Math.log10(1 + hertz / 700);
}

// The tracks of a clip; null where there is nothing to show.
function tracks(rest) {
  const sound = rest.sound && rest.sound.file ? rest.sound : null;
  const seconds = sound ? sound.seconds : lengthOf(rest);
  if (!sound && !rest.events.length) return null;
  const inner = h("div", { class: "tracks-inner", id: "tracks" },
    sound ? waveTrack(sound) : null,
    rest.events.length ? eventTrack(rest.events, seconds) : null,
    sound ? melTrack(sound) : null,
    timeAxis(seconds),
    sound ? h("div", { class: "playhead", id: "playhead", "aria-hidden": "true" }) : null);
  return h("div", { class: "tracks" }, inner);
}

function lengthOf(rest) {
  return Math.max(rest.duration || 0, ...rest.events.map(([, , offset]) => offset), 0.1);
}

function waveTrack(sound) {
  const columns = sound.wave.length / 2;
  const point = (column, value) => `${column},${-value}`;
  const over = [];
  const under = [];
  for (let column = 0; column < columns; column += 1) {
    over.push(point(column + 0.5, sound.wave[2 * column + 1]));
    under.push(point(column + 0.5, sound.wave[2 * column]));
  }
  const path = `M${[...over, ...under.reverse()].join("L")}Z`;
  return h("div", { class: "track wave" },
    h("span", { class: "track-name" }, "Wave"),
    s("svg", {
      viewBox: `0 -130 ${columns} 260`, preserveAspectRatio: "none", role: "img",
      "aria-label": `Waveform, ${loudness(sound)}`,
    }, s("path", { d: path, "vector-effect": "non-scaling-stroke" })));
}

function loudness(sound) {
  return sound.peak_db === null ? "silent throughout" : `peak ${minus(sound.peak_db)} dBFS`;
}

function minus(number) {
  return String(number).replace("-", "−");
}

function melTrack(sound) {
  const place = (hertz) =>
    (mel(hertz) - mel(sound.lowest)) / (mel(sound.highest) - mel(sound.lowest));
  const ticks = apart(TICKS_HZ.filter((hertz) => place(hertz) < 0.9), place).map((hertz) => {
    const tick = h("span", { class: "hertz" }, hertz < 1000 ? String(hertz) : `${hertz / 1000}k`);
    tick.style.bottom = `${100 * place(hertz)}%`;
    return tick;
  });
  return h("div", { class: "track mel" },
    h("div", { class: "hertz-axis", "aria-hidden": "true" }, ticks, h("span", { class: "unit" }, "Hz")),
    h("img", {
      src: sound.picture, draggable: "false",
      alt: `Mel spectrogram, ${sound.lowest} to ${sound.highest} hertz`,
    }));
}

function apart(ticks, place) {
  const kept = [];
  for (const hertz of ticks) {
    if (!kept.length || place(hertz) - place(kept[kept.length - 1]) >= TICK_APART) kept.push(hertz);
  }
  return kept;
}

function timeAxis(seconds) {
  const step = STEPS.find((one) => seconds / one <= 10) || 1200;
  const axis = h("div", { class: "time-axis figure", "aria-hidden": "true" });
  for (let at = 0; at <= seconds - 0.25 * step; at += step) {
    const tick = h("span", {}, `${Number(at.toFixed(1))}`);
    tick.style.left = `${(100 * at) / seconds}%`;
    axis.append(tick);
  }
  axis.append(h("span", { class: "unit" }, "s"));
  return axis;
}

// --- known events: a row for each label -------------------------------------------------------------

function eventTrack(events, seconds) {
  const labels = [...new Set(events.map(([label]) => label))];
  const lanes = labels.map((label) =>
    h("li", { class: "lane" }, ...events
      .filter(([other, onset]) => other === label && onset < seconds)
      .map(([, onset, offset], number) => eventBar(label, onset, Math.min(offset, seconds), seconds, number))));
  return h("div", { class: "track events" },
    h("span", { class: "track-name" }, "Events"),
    h("ul", { class: "lanes", "aria-label": "Known events" }, lanes));
}

function eventBar(label, onset, offset, seconds, number) {
  const text = h("span", { class: "event-label" }, ...spelled(label.replaceAll("_", " ")));
  const when = `${label}, ${onset.toFixed(1)} to ${offset.toFixed(1)} s`;
  const bar = h("button", {
    type: "button", class: "event", title: when, "aria-label": when, "data-onset": onset, tabindex: "-1",
  }, number === 0 || (offset - onset) / seconds > 0.15 ? text : null);
  bar.style.left = `${(100 * onset) / seconds}%`;
  bar.style.width = `${(100 * Math.max(offset - onset, 0)) / seconds}%`;
  if (onset / seconds > 0.7 && (offset - onset) / seconds < 0.25) bar.classList.add("label-before");
  return bar;
}

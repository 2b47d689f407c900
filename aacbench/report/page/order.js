// Which clips are shown, and in which order.

const SORTS = {
  worst: (clip, figure) => worth(clip, figure),
  best: (clip, figure) => negative(worth(clip, figure)),
  disagreement: (clip, figure) => negative(disagreement(clip, figure)),
  target: () => 0,
};

function negative(value) {
  return value === null ? null : -value;
}

function isMixed() {
  return figureAt() >= 0 && DATA.figures[figureAt()].mixed && shown().length > 1;
}

function valuesOf(clip, figure) {
  return shown().map((at) => valueOf(clip, at, figure)).filter((value) => value !== null);
}

// The mean of the shown systems' values, turned so that more is better.
function worth(clip, figure) {
  const values = valuesOf(clip, figure);
  if (!values.length) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return DATA.figures[figure].higher_is_better === false ? -mean : mean;
}

// Between systems: the range of the figure; of one system alone: how its figures differ.
function disagreement(clip, figure) {
  const systems = shown();
  if (systems.length === 1) return clip.spread[systems[0]];
  const values = valuesOf(clip, figure);
  return values.length > 1 && !isMixed() ? Math.max(...values) - Math.min(...values) : null;
}

// Positions of the shown clips, best key first; equal ones keep the target's order.
function ordered() {
  const figure = figureAt();
  const patterns = patternsOf(state.word);
  const keep = SHOWS[state.show];
  const kept = [];
  DATA.clips.forEach((clip, at) => {
    if (!keep(clip) || !says(clip, patterns)) return;
    kept.push([at, figure < 0 ? 0 : SORTS[state.sort](clip, figure)]);
  });
  kept.sort((a, b) => comparison(a[1], b[1]) || a[0] - b[0]);
  return kept.map(([at]) => at);
}

// Clips without a value come last.
function comparison(a, b) {
  if (a === null || b === null) return (a === null) - (b === null);
  return a - b;
}

// --- words ---------------------------------------------------------------------------------------

// What a reader typed: words that begin a word, "whole words", and -words to leave out.
function patternsOf(text) {
  const found = { wanted: [], unwanted: [] };
  for (const [, minus, quoted, word] of text.matchAll(/(-?)(?:"([^"]+)"|([^\s"]+))/gu)) {
    if (!quoted && !word) continue;
    const inner = (quoted || word).replace(/[.*+?^${}()|[\]\\/-]/gu, "\\$&");
    const end = quoted ? "(?![\\p{L}\\p{N}_])" : "";
    const pattern = new RegExp(`(?<![\\p{L}\\p{N}_])${inner}${end}`, "giu");
    pattern.letters = (quoted || word).toLowerCase();
    found[minus ? "unwanted" : "wanted"].push(pattern);
  }
  return found;
}

function says(clip, { wanted, unwanted }) {
  if (!wanted.length && !unwanted.length) return true;
  const texts = textsOf(clip);
  const found = (pattern) => texts.some((text) => holds(text, pattern));
  return wanted.every(found) && !unwanted.some(found);
}

// Most texts have not even the letters, which is far quicker to see.
function holds(text, pattern) {
  return text.toLowerCase().includes(pattern.letters) && text.search(pattern) >= 0;
}

function textsOf(clip) {
  const captions = shown().map((at) => (clip.said[at] && clip.said[at].text) || "");
  if (state.scope === "captions") return captions;
  return state.scope === "references" ? clip.references : [...clip.references, ...captions];
}

// --- how a value lies to its run ------------------------------------------------------------------

const VERDICTS = {
  "far-better": ["▲▲", "much better than the run's mean"],
  better: ["▲", "better than the run's mean"],
  same: ["≈", "about the run's mean"],
  worse: ["▼", "worse than the run's mean"],
  "far-worse": ["▼▼", "much worse than the run's mean"],
  higher: ["△", "higher than the run's mean"],
  lower: ["▽", "lower than the run's mean"],
};

// Standard deviations above the run's mean; null where the run has no such figure.
function deviation(value, system, figure) {
  const moments = DATA.systems[system].moments[figure];
  if (!moments || value === null) return null;
  return moments[1] > 0 ? (value - moments[0]) / moments[1] : 0;
}

function verdict(value, system, figure) {
  const z = deviation(value, system, figure);
  if (z === null) return null;
  if (Math.abs(z) < 0.25) return "same";
  const higher = DATA.figures[figure].higher_is_better;
  if (higher === null) return z > 0 ? "higher" : "lower";
  const better = z > 0 === higher;
  return `${Math.abs(z) > 1 ? "far-" : ""}${better ? "better" : "worse"}`;
}

function verdictMark(kind) {
  if (kind === null) return null;
  const [glyph, words] = VERDICTS[kind];
  return h("span", { class: `verdict ${kind}`, title: words },
    h("span", { "aria-hidden": "true" }, glyph), h("span", { class: "visually-hidden" }, words));
}

function written(value, figure) {
  if (value === null) return "–";
  const decimals = DATA.figures[figure].decimals;
  return minus(value.toFixed(Math.min(decimals, 6)));
}

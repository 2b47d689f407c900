// What the page knows, what its reader has chosen, and the address that says both.

const DATA = JSON.parse(byId("data").textContent);
const FIGURE_AT = new Map(DATA.figures.map((figure, at) => [figure.id, at]));
const CLIP_AT = new Map(DATA.clips.map((clip, at) => [clip.id, at]));
const SHOWS = {
  all: () => true,
  sound: (clip) => clip.sound,
  failed: (clip) => clip.said.some((said, at) => state.systems.has(at) && said && said.error),
  changed: (clip) => clip.changed.some((changed, at) => state.systems.has(at) && changed > 0),
};

const state = {
  sort: DATA.opens.sort,
  figure: DATA.opens.figure,
  word: DATA.opens.word,
  scope: "any",
  show: "all",
  systems: new Set(DATA.systems.keys()),
  clip: null, // position in DATA.clips
};

function figureAt() {
  return state.figure === null ? -1 : FIGURE_AT.get(state.figure);
}

function shown() {
  return [...DATA.systems.keys()].filter((at) => state.systems.has(at));
}

function valueOf(clip, system, figure) {
  const value = figure < 0 ? null : clip.values[system][figure];
  return value === undefined ? null : value;
}

// --- the address ---------------------------------------------------------------------------------

function address() {
  const parts = new URLSearchParams();
  if (state.clip !== null) parts.set("clip", DATA.clips[state.clip].id);
  if (state.sort !== DATA.opens.sort) parts.set("sort", state.sort);
  if (state.figure !== DATA.opens.figure) parts.set("figure", state.figure);
  if (state.word !== DATA.opens.word) parts.set("word", state.word);
  if (state.scope !== "any") parts.set("in", state.scope);
  if (state.show !== "all") parts.set("show", state.show);
  if (state.systems.size !== DATA.systems.length) {
    parts.set("systems", shown().map((at) => DATA.systems[at].mark).join(","));
  }
  return `#${parts}`;
}

function writeAddress() {
  const wanted = address();
  if (wanted === window.location.hash) return;
  try {
    window.history.replaceState(null, "", wanted);
  } catch {
    window.location.replace(wanted); // where a page from disk has no history of its own
  }
}

// Takes over what the address says and makes sense here; gives whether it named a clip.
function readAddress() {
  const parts = new URLSearchParams(window.location.hash.slice(1));
  const known = (name, allowed, otherwise) =>
    allowed.includes(parts.get(name)) ? parts.get(name) : otherwise;
  state.sort = known("sort", Object.keys(SORTS), DATA.opens.sort);
  state.figure = known("figure", [...FIGURE_AT.keys()], DATA.opens.figure);
  state.scope = known("in", ["captions", "references"], "any");
  state.show = known("show", Object.keys(SHOWS), "all");
  state.word = parts.has("word") ? parts.get("word") : DATA.opens.word;
  state.systems = namedSystems(parts.get("systems"));
  const clip = CLIP_AT.get(parts.get("clip"));
  if (clip !== undefined) state.clip = clip;
  return clip !== undefined;
}

function namedSystems(text) {
  const marks = (text || "").split(",");
  const named = [...DATA.systems.keys()].filter((at) => marks.includes(DATA.systems[at].mark));
  return new Set(named.length ? named : DATA.systems.keys());
}

// --- the rest of each clip, read when it is looked at -----------------------------------------------

const chunks = new Map();
const waiting = new Map();

window.aacClips = (number, text) => {
  chunks.set(number, JSON.parse(text));
  for (const told of waiting.get(number) || []) told();
  waiting.delete(number);
};

// Calls `told` with the rest of a clip, at once where it has been read.
function withRest(at, told) {
  const number = Math.floor(at / DATA.chunk);
  const give = () => told(chunks.get(number)[at - number * DATA.chunk]);
  if (chunks.has(number)) {
    give();
    return;
  }
  if (!waiting.has(number)) {
    waiting.set(number, []);
    const failed = () => told(null);
    document.head.append(h("script", { src: `clips/${number}.js`, onerror: failed }));
  }
  waiting.get(number).push(give);
}

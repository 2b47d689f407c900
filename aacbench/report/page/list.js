// The list of clips: however many there are, only the rows in sight are drawn.

const ROW = 84;
const MARGIN = 6;

let rows = []; // positions in DATA.clips, in the order shown
let placeOf = new Map();

function reorder() {
  rows = ordered();
  placeOf = new Map(rows.map((at, place) => [at, place]));
  byId("list-sheet").style.height = `${rows.length * ROW}px`;
  byId("count").replaceChildren(...countLine());
}

function countLine() {
  const all = DATA.clips.length;
  const sound = rows.filter((at) => DATA.clips[at].sound).length;
  const which = rows.length === all ? plural(all, "clip") : `${count(rows.length)} of ${plural(all, "clip")}`;
  const line = [`${which}, ${count(sound)} with sound`];
  if (state.sort === "disagreement" && isMixed()) {
    line.push(h("span", { class: "warning" }, " Different judges gave this figure: not compared."));
  }
  return line;
}

function drawRows() {
  const list = byId("list");
  const first = Math.max(0, Math.floor(list.scrollTop / ROW) - MARGIN);
  const last = Math.min(rows.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + MARGIN);
  const patterns = patternsOf(state.word).wanted;
  const drawn = [];
  for (let place = first; place < last; place += 1) drawn.push(rowOf(place, patterns));
  if (!rows.length) drawn.push(h("p", { class: "nothing soft" }, "No clip is like this."));
  byId("list-sheet").replaceChildren(...drawn);
  const chosen = placeOf.has(state.clip) ? `row-${state.clip}` : null;
  const inSight = chosen && byId(chosen);
  if (inSight) list.setAttribute("aria-activedescendant", chosen);
  else list.removeAttribute("aria-activedescendant");
}

function rowOf(place, patterns) {
  const at = rows[place];
  const clip = DATA.clips[at];
  const row = h("div", {
    class: "row", id: `row-${at}`, role: "option", "aria-selected": String(at === state.clip),
    "aria-posinset": place + 1, "aria-setsize": rows.length, onclick: () => select(at),
  },
    h("div", { class: "row-head" },
      h("span", { class: "row-id" }, h("bdi", {}, ...spelled(clip.id))), ...badges(clip)),
    h("div", { class: "row-text" }, prose(lineOf(clip, patterns), patterns)),
    h("div", { class: "row-values figure" },
      ...shown().map((system) => rowValue(clip, system)), rowApart(clip)));
  row.style.transform = `translateY(${place * ROW}px)`;
  return row;
}

// What a row quotes: the first text that has a word looked for, else the first reference.
function lineOf(clip, patterns) {
  const texts = textsOf(clip).filter(Boolean);
  const hit = texts.find((text) => patterns.some((pattern) => text.search(pattern) >= 0));
  const line = hit || clip.references[0] || texts[0] || "(nothing was said)";
  return line.slice(0, 300).replace(/\s+/gu, " ");
}

function badges(clip) {
  const found = [];
  if (SHOWS.failed(clip)) found.push(h("span", { class: "badge bad" }, "failed"));
  if (SHOWS.changed(clip)) found.push(h("span", { class: "badge" }, "guided"));
  if (clip.sound) found.push(h("span", { class: "badge note", title: "with sound" }, "♪"));
  return found;
}

function rowValue(clip, system) {
  const said = clip.said[system];
  const figure = figureAt();
  const value = valueOf(clip, system, figure);
  const kind = value === null ? null : verdict(value, system, figure);
  let text = value === null ? "–" : written(value, figure);
  if (said === null) text = "not tried";
  else if (said.error) text = "failed";
  else if (figure < 0) text = "";
  return h("span", { class: "row-value" }, markOf(system), text, kind ? verdictMark(kind) : null);
}

// Where clips are ordered by disagreement: how much there is.
function rowApart(clip) {
  const apart = state.sort === "disagreement" && figureAt() >= 0 ? disagreement(clip, figureAt()) : null;
  if (apart === null) return null;
  const text = shown().length === 1 ? apart.toFixed(2) : written(apart, figureAt());
  return h("span", { class: "row-apart", title: "disagreement" }, `⇔ ${text}`);
}

function markOf(system) {
  return h("span", { class: `mark mark-${(system % 6) + 1}`, title: DATA.systems[system].name },
    DATA.systems[system].mark);
}

// Scrolls so far that the chosen clip's row is whole.
function bringIntoSight() {
  const list = byId("list");
  const place = placeOf.get(state.clip);
  if (place === undefined) return;
  const top = place * ROW;
  if (top < list.scrollTop) list.scrollTop = top;
  else if (top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW - list.clientHeight;
}

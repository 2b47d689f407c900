// Puts the page together: what a reader changes, and what is drawn anew for it.

const SORT_NAMES = {
  worst: ["Worst first", "Lowest first"],
  best: ["Best first", "Highest first"],
  disagreement: ["Disagreement", "Disagreement"],
  target: ["As in the data set", "As in the data set"],
};
const SHOW_NAMES = {
  all: "all clips",
  sound: "with sound",
  failed: "failed",
  changed: "changed by the guide",
};

function say(text) {
  byId("spoken").textContent = text;
}

// Takes over some of `state` and draws what depends on it.
function change(changes) {
  Object.assign(state, changes);
  reorder();
  if (!placeOf.has(state.clip) && rows.length && !("systems" in changes)) [state.clip] = rows;
  byId("list").scrollTop = 0;
  drawAll();
}

function drawAll() {
  drawControls();
  drawSystems();
  bringIntoSight();
  drawRows();
  drawClip();
  writeAddress();
}

function select(at) {
  closeList();
  if (at === state.clip) return;
  state.clip = at;
  bringIntoSight();
  drawRows();
  drawClip();
  writeAddress();
  byId("clip-view").scrollTop = 0;
  window.scrollTo(0, 0);
  say(`Clip ${placeOf.get(at) + 1} of ${rows.length}: ${DATA.clips[at].id}`);
}

function move(by) {
  const place = placeOf.get(state.clip);
  moveTo(place === undefined ? 0 : place + by);
}

function moveTo(place) {
  if (place >= 0 && place < rows.length) select(rows[place]);
}

// --- controls --------------------------------------------------------------------------------------

function options(select, names, chosen) {
  select.replaceChildren(...Object.entries(names).map(([value, name]) =>
    h("option", { value, selected: value === chosen }, name)));
}

function drawControls() {
  const figure = DATA.figures[figureAt()];
  const side = figure && figure.higher_is_better === null ? 1 : 0;
  const sorts = Object.entries(SORT_NAMES).filter(([name]) => figure || name === "target");
  options(byId("sort"), Object.fromEntries(sorts.map(([name, both]) => [name, both[side]])),
    figure ? state.sort : "target");
  options(byId("figure"), Object.fromEntries(DATA.figures.map(({ id }) => [id, id])), state.figure);
  byId("figure").disabled = !figure;
  const shows = Object.entries(SHOW_NAMES).filter(([name]) =>
    name === "all" || name === state.show || DATA.clips.some(SHOWS[name]));
  options(byId("show"), Object.fromEntries(shows), state.show);
  byId("scope").value = state.scope;
  if (byId("word").value !== state.word) byId("word").value = state.word;
}

function attachControls() {
  for (const name of ["sort", "figure", "show", "scope"]) {
    byId(name).addEventListener("change", (event) => change({ [name]: event.target.value }));
  }
  let later = 0;
  byId("word").addEventListener("input", (event) => {
    window.clearTimeout(later);
    later = window.setTimeout(() => change({ word: event.target.value }), 120);
  });
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  byId("list").addEventListener("scroll", () => window.requestAnimationFrame(drawRows));
  new ResizeObserver(drawRows).observe(byId("list"));
}

// --- systems and notes -------------------------------------------------------------------------------

function drawSystems() {
  byId("systems").replaceChildren(...DATA.systems.map(systemToggle));
  byId("notes").replaceChildren(...notes().map((text) => h("p", { class: "plain-note" }, text)));
}

function systemToggle(system, at) {
  const corpus = figureAt() < 0 ? null : system.corpus[figureAt()];
  return h("button", {
    type: "button", class: "system-toggle", "aria-pressed": String(state.systems.has(at)),
    title: `${system.name}: ${system.domain.caption} domain; press to show or hide`,
    onclick: () => toggleSystem(at),
  },
    markOf(at), h("span", { class: "toggle-name" }, h("bdi", {}, system.name)),
    h("span", { class: "figure soft" }, corpus ? corpusText(corpus) : `${count(system.captioned)} captions`),
    system.failed ? h("span", { class: "badge bad" }, `${count(system.failed)} failed`) : null);
}

function corpusText([estimate, low, high]) {
  const at = figureAt();
  const known = low !== null && high !== null;
  const interval = known ? ` [${written(low, at)}, ${written(high, at)}]` : "";
  return [`${state.figure} ${written(estimate, at)}`, h("span", { class: "interval" }, interval)];
}

function toggleSystem(at) {
  const systems = new Set(state.systems);
  if (!systems.delete(at)) systems.add(at);
  if (systems.size) change({ systems });
}

function notes() {
  const found = [];
  for (const system of DATA.systems) {
    if (!system.scored) {
      found.push(`${system.mark} has no figures. To have them: aacbench score …/${system.folder}, then write this page again.`);
    } else if (system.unscored) {
      found.push(`${plural(system.unscored, "caption")} of ${system.mark} came after its scores. Type: aacbench score …/${system.folder}, then write this page again.`);
    }
    for (const judge of system.self_scored) found.push(`${judge}: ${system.mark} is judged by a model of its own.`);
  }
  if (isMixed()) found.push(`${state.figure} comes of different judges or versions here: the systems' values cannot be compared.`);
  return found;
}

// --- narrow screens: the list comes and goes ---------------------------------------------------------

function openList(open) {
  document.body.classList.toggle("list-open", open);
  byId("bottom-list").setAttribute("aria-expanded", String(open));
  if (!open) return;
  bringIntoSight();
  drawRows();
}

function closeList() {
  openList(false);
}

function attachButtons() {
  window.aacTheme.attach(byId("theme-button"));
  byId("help-button").addEventListener("click", () => byId("help").showModal());
  byId("bottom-list").addEventListener("click", () => openList(!document.body.classList.contains("list-open")));
  byId("bottom-previous").addEventListener("click", () => move(-1));
  byId("bottom-next").addEventListener("click", () => move(1));
  byId("bottom-play").addEventListener("click", toggle);
  document.addEventListener("keydown", pressed);
}

// --- the beginning -----------------------------------------------------------------------------------

function follows() {
  const named = readAddress();
  reorder();
  if (!named && !placeOf.has(state.clip)) state.clip = rows.length ? rows[0] : null;
  drawAll();
}

function aboutLine() {
  const tried = DATA.clips.length;
  const of = DATA.official > tried ? `${count(tried)} of ${plural(DATA.official, "clip")}` : plural(tried, "clip");
  return `${DATA.target} · ${of}`;
}

byId("about").textContent = aboutLine();
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("clip-view").focus();
});
attachControls();
attachButtons();
window.addEventListener("hashchange", follows);
follows();

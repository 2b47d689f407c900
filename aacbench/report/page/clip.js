// One clip in full: its sound, what people said of it, what each system said, and the figures.

const KEY_FIGURES = ["spider", "cider_d", "fense", "sbert", "clap_s", "aud", "meteor"];
const MOST_KEY_FIGURES = 5;

function drawClip() {
  silence();
  const view = byId("clip");
  const at = state.clip;
  if (at === null) {
    view.replaceChildren(h("p", { class: "nothing soft" }, "No clip is chosen."));
    return;
  }
  withRest(at, (rest) => {
    if (at !== state.clip) return; // the reader has gone on
    view.replaceChildren(...clipParts(DATA.clips[at], rest));
    attachTracks();
    tellButtons();
  });
}

function clipParts(clip, rest) {
  const patterns = patternsOf(state.word).wanted;
  if (rest === null) {
    return [clipHead(clip, null), h("p", { class: "plain-note warning" },
      "The file with this clip's details is missing: keep the page's folder together.")];
  }
  return [
    clipHead(clip, rest),
    soundPart(rest),
    h("div", { class: "texts" },
      referencePart(clip, patterns),
      h("section", { class: "said", "aria-label": "Captions" },
        shown().map((system) => systemPart(clip, rest, system, patterns)))),
    figurePart(clip),
  ];
}

function clipHead(clip, rest) {
  const place = placeOf.get(state.clip);
  const where = place === undefined ? "not in this list" : `${count(place + 1)} of ${count(rows.length)}`;
  const step = (by, words, glyph) => h("button", {
    type: "button", class: "button", "aria-label": words, onclick: () => move(by),
    "aria-keyshortcuts": by > 0 ? "j" : "k",
  }, glyph);
  return h("header", { class: "clip-head" },
    h("div", {},
      h("p", { class: "place soft figure" }, where, rest && rest.source ? ` · ${rest.source}` : ""),
      h("h2", { class: "clip-name" }, h("bdi", {}, ...spelled(clip.id)))),
    h("div", { class: "steps" }, step(-1, "Previous clip", "‹"), step(1, "Next clip", "›")));
}

function soundPart(rest) {
  const sound = rest.sound && rest.sound.file ? rest.sound : null;
  return h("section", { class: "sound", "aria-label": "Sound" },
    sound ? playerOf(sound) : h("p", { class: "plain-note soft" }, silentBecause(rest)),
    tracks(rest));
}

function silentBecause(rest) {
  if (rest.sound && rest.sound.silent) return rest.sound.silent;
  if (!rest.at_hand) return "The sound of this clip is not on the machine that wrote this page.";
  return "This page carries no sound for this clip: it was not among those chosen. " +
    "More have sound with: aacbench report … --clips all";
}

function referencePart(clip, patterns) {
  const lines = clip.references.map((text) => h("li", {}, folded(text, patterns, "div", "reference")));
  return h("section", { class: "references" },
    h("h3", {}, "References"),
    lines.length ? h("ol", {}, lines) : h("p", { class: "soft" }, "Nobody wrote down what this is."));
}

// --- one system ------------------------------------------------------------------------------------

function systemPart(clip, rest, system, patterns) {
  const said = clip.said[system];
  const told = rest.systems[system];
  const about = DATA.systems[system];
  const head = h("h3", { class: "system-name" }, markOf(system), h("bdi", {}, about.name));
  if (said === null) {
    return h("div", { class: "system" }, head, h("p", { class: "soft" }, "This run did not come to this clip."));
  }
  if (said.error) {
    return h("div", { class: "system failed" }, head,
      h("div", { class: "error-box" }, h("span", { class: "badge bad" }, "failed"),
        folded(said.error, [], "div", "error-text")));
  }
  return h("div", { class: "system" }, head,
    folded(said.text, patterns, "div", "caption"),
    keyFigures(clip, system),
    twinDiff(system, clip),
    told.steered.length ? steering(told.steered) : null,
    h("div", { class: "extras" },
      told.alternatives.length ? alternatives(told.alternatives, patterns) : null,
      Object.keys(told.stages).length ? stages(told.stages) : null));
}

function keyFigures(clip, system) {
  const chosen = figureAt();
  const others = KEY_FIGURES.map((name) =>
    DATA.figures.findIndex((figure) => figure.id === name || figure.id.startsWith(`${name}:`)));
  const rest = [...DATA.figures.keys()].filter((at) => DATA.figures[at].higher_is_better !== null);
  const wanted = [...new Set([chosen, ...others, ...rest])].filter(
    (figure) => figure >= 0 && valueOf(clip, system, figure) !== null);
  if (!wanted.length) {
    return DATA.systems[system].scored ? h("p", { class: "soft" }, "This caption has no figures yet.") : null;
  }
  return h("dl", { class: "key-figures figure" }, wanted.slice(0, MOST_KEY_FIGURES).map((figure) =>
    keyFigure(clip, system, figure, figure === chosen)));
}

function keyFigure(clip, system, figure, chosen) {
  const value = valueOf(clip, system, figure);
  const kind = verdict(value, system, figure);
  const mean = DATA.systems[system].moments[figure][0];
  const difference = value - mean;
  const sign = difference < 0 ? "−" : "+";
  const gap = `${sign}${written(Math.abs(difference), figure)}`;
  return h("div", { class: `key-figure ${kind}${chosen ? " chosen" : ""}`, title: `mean of the run: ${written(mean, figure)}` },
    h("dt", {}, DATA.figures[figure].id),
    h("dd", {}, h("strong", {}, written(value, figure)), " ", verdictMark(kind)),
    h("dd", { class: "gap" }, gap, h("span", { class: "visually-hidden" }, " to the run's mean")));
}

function alternatives(found, patterns) {
  return h("details", { class: "more" },
    h("summary", {}, plural(found.length, "alternative")),
    h("ol", { class: "alternatives", start: "2" }, found.map(([text, score]) =>
      h("li", {}, folded(text, patterns, "div", "alternative"),
        score === null ? null : h("span", { class: "soft figure", title: "mean log probability a token" }, ` ${minus(score.toFixed(3))}`)))));
}

// `caption` is the whole of what the captioner did; the other stages are parts of it.
function stages(times) {
  const inner = Object.entries(times).filter(([name]) => name !== "caption" && name !== "decode_audio");
  const whole = (times.decode_audio || 0) + (times.caption || 0) ||
    inner.reduce((sum, [, one]) => sum + one, 0);
  const line = (name, value, part) => {
    const fillBar = h("span", {});
    fillBar.style.width = `${whole > 0 ? Math.min(100, (100 * value) / whole) : 0}%`;
    return h("tr", { class: part ? "part" : null }, h("th", { scope: "row" }, name.replaceAll("_", " ")),
      h("td", { class: "figure" }, milliseconds(value)),
      h("td", { class: "stage-bar", "aria-hidden": "true" }, h("span", { class: "bar guided" }, fillBar)));
  };
  const outer = ["decode_audio", "caption"].filter((name) => name in times);
  return h("details", { class: "more" },
    h("summary", {}, `Took ${milliseconds(whole)}`),
    h("table", { class: "stages" }, h("tbody", {}, outer.map((name) => line(name, times[name], false)),
      inner.map(([name, value]) => line(name, value, true)))));
}

// --- all figures, side by side ---------------------------------------------------------------------

function figurePart(clip) {
  const systems = shown();
  const any = DATA.figures.map((_, at) => at).filter((at) => systems.some((one) => valueOf(clip, one, at) !== null));
  if (!any.length) return null;
  return h("section", { class: "all-figures" },
    h("h3", {}, "All figures"),
    h("div", { class: "scroller", tabindex: "0", role: "group", "aria-label": "All figures of this clip" },
      h("table", { class: "figures figure" },
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "figure"),
          systems.map((one) => h("th", { scope: "col" }, markOf(one))))),
        h("tbody", {}, any.map((at) => figureRow(clip, at, systems))))));
}

function figureRow(clip, at, systems) {
  const { id } = DATA.figures[at];
  const name = h("button", { type: "button", class: "figure-name", title: "order the clips by this figure",
    onclick: () => change({ figure: id }) }, id);
  return h("tr", { class: id === state.figure ? "chosen" : null },
    h("th", { scope: "row" }, name),
    systems.map((one) => {
      const value = valueOf(clip, one, at);
      const kind = verdict(value, one, at);
      return h("td", { class: kind }, written(value, at), " ", verdictMark(kind));
    }));
}

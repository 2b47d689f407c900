// One plot: a spec from plots/ with its words and points filled in, drawn by Vega-Lite as SVG. Colours
// are CSS variables down to the SVG itself, so a plot turns dark, or prints, with its page.
"use strict";

(() => {
  const { dom } = window.aac;
  const { el } = dom;
  const VENDOR = "vendor/vega.js";
  const MISSING = "Plots are not drawn: this copy of the page has no vendor/vega.js. "
    + "\u201caacbench leaderboard build\u201d writes it; everything that a plot shows is in the table beneath it.";

  const AXIS = 48; // pixels beneath a plot

  let library = null;

  // The library comes last and on its own, so that a page without it is a page with tables.
  function load() {
    library = library || new Promise((resolve) => {
      const script = el("script", { src: VENDOR });
      script.addEventListener("load", () => resolve(window.vegaEmbed || null));
      script.addEventListener("error", () => resolve(null));
      document.head.append(script);
    });
    return library;
  }

  // "$figure" in a spec is replaced by words.figure, whatever it is; keys are never replaced.
  function filled(spec, words) {
    if (typeof spec === "string" && spec.startsWith("$")) return words[spec.slice(1)];
    if (Array.isArray(spec)) return spec.map((part) => filled(part, words));
    if (spec === null || typeof spec !== "object") return spec;
    return Object.fromEntries(Object.entries(spec).map(([key, part]) => [key, filled(part, words)]));
  }

  function config() {
    const font = window.getComputedStyle(document.body).fontFamily;
    return { ...window.aacPlots.config, font };
  }

  // Vega's own tooltip writes HTML; this one writes text.
  function tooltip(handler, event, item, value) {
    const box = dom.find("tooltip");
    box.hidden = value === null || value === undefined || value === "";
    if (box.hidden) return;
    box.textContent = String(value);
    const room = document.documentElement.clientWidth - box.offsetWidth - 8;
    box.style.setProperty("left", `${Math.max(8, Math.min(event.clientX + 14, room))}px`);
    box.style.setProperty("top", `${event.clientY + 16}px`);
  }

  const OPTIONS = {
    mode: "vega-lite",
    renderer: "svg",
    actions: false,
    ast: true, // expressions are interpreted: no eval, which the page's policy forbids
    defaultStyle: false, // style sheets of our own only, for the same reason
    tooltip,
  };

  async function draw(host, name, words) {
    const turn = (host.turn = (host.turn || 0) + 1);
    host.style.setProperty("min-height", `${(words.height || 360) + AXIS}px`); // nothing jumps later
    host.sight = host.sight || inSight(host);
    await host.sight;
    if (turn !== host.turn) return; // a later choice overtook this one
    const embed = await load();
    if (turn !== host.turn) return;
    if (!embed) {
      host.style.removeProperty("min-height");
      dom.fill(host, el("p", { class: "missing" }, MISSING));
      return;
    }
    const drawn = await embed(host, filled(window.aacPlots[name], words), { ...OPTIONS, config: config() });
    host.view = drawn.view;
    host.dataset.drawn = name;
  }

  // A plot waits until it is nearly in sight, or until the page has been quiet for a while (so that
  // a page that is printed has them all): the board comes first.
  const QUIET = 4000; // milliseconds

  function inSight(host) {
    return new Promise((resolve) => {
      const seen = (entries) => entries.some((entry) => entry.isIntersecting) && resolve();
      new IntersectionObserver(seen, { rootMargin: "240px" }).observe(host);
      window.setTimeout(resolve, QUIET);
    });
  }

  function clear(host) {
    host.turn = (host.turn || 0) + 1;
    delete host.dataset.drawn;
    host.style.removeProperty("min-height");
    dom.fill(host);
  }

  window.aac.plot = { clear, draw };
})();

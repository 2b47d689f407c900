// Numbers and verdicts in words: how a figure, an interval, a time and a size are written.
"use strict";

(() => {
  const DASH = "\u2013"; // between the ends of an interval
  const NONE = "\u2014"; // where there is no figure

  const DOMAINS = { in: "In-domain", out: "Out-of-domain", unknown: "Unknown domain" };
  const STRICT = {
    in: "A part of the system has met this target, in training or as its judge.",
    out: "No part of the system has met this target.",
    unknown: "For some part of the system nobody says what it was trained on.",
  };
  const KINDS = {
    measured: "run with this harness; its captions are in the repository",
    "re-scored": "captions of others, scored with this harness; figures only",
    published: "as a paper prints it",
  };

  function decimals(figure) {
    return figure && Number.isInteger(figure.decimals) ? figure.decimals : 3;
  }

  function number(value, digits) {
    return value.toFixed(digits).replace("-", "\u2212");
  }

  // A score as the board shows it: a printed one with no more digits than were printed.
  function score(value, figure) {
    return value.shown || number(value.value, decimals(figure));
  }

  function interval(value, figure) {
    if (value.low === null || value.high === null) return "";
    const digits = decimals(figure);
    return `${number(value.low, digits)}${DASH}${number(value.high, digits)}`;
  }

  function signed(value, digits) {
    return (value > 0 ? "+" : "") + number(value, digits);
  }

  function milliseconds(ms) {
    if (ms < 10) return ms.toFixed(1);
    return Math.round(ms).toLocaleString("en");
  }

  function size(parameters) {
    const steps = [[1e9, "B"], [1e6, "M"], [1e3, "k"]];
    const [step, unit] = steps.find(([least]) => parameters >= least) || [1, ""];
    const amount = parameters / step;
    return `${amount < 100 ? Number(amount.toPrecision(2)) : Math.round(amount)}\u2009${unit}`.trim();
  }

  function rank(place) {
    return place.low === place.high ? "" : `${place.low}${DASH}${place.high}`;
  }

  function count(amount, one, many = `${one}s`) {
    return `${amount.toLocaleString("en")} ${amount === 1 ? one : many}`;
  }

  function list(words) {
    if (words.length < 2) return words.join("");
    return `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`;
  }

  function probability(p) {
    return p < 0.001 ? "< 0.001" : p.toPrecision(2);
  }

  window.aac.words = {
    DASH, DOMAINS, KINDS, NONE, STRICT,
    count, decimals, interval, list, milliseconds, number, probability, rank, score, signed, size,
  };
})();

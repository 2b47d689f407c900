// Elements, and strangers' words inside them: always as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";
// Controls, and the marks that turn the direction of what follows them.
const UNSEEN = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/;
const LONG = 600;

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function s(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function byId(id) {
  return document.getElementById(id);
}

// Characters that cannot be seen are named, so that none of them can move the others.
function spelled(text) {
  if (!UNSEEN.test(text)) return [text];
  const parts = [];
  let plain = "";
  for (const character of text) {
    if (!UNSEEN.test(character)) {
      plain += character;
      continue;
    }
    parts.push(plain, unseen(character));
    plain = "";
  }
  return [...parts, plain];
}

function unseen(character) {
  const code = character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
  return h("span", { class: "unseen", title: "a character that cannot be seen" }, `U+${code}`);
}

// A caption or reference, with the words that were looked for marked.
function prose(text, patterns) {
  const found = spans(text, patterns || []);
  const parts = [];
  let at = 0;
  for (const [start, end] of found) {
    parts.push(...spelled(text.slice(at, start)), h("mark", {}, ...spelled(text.slice(start, end))));
    at = end;
  }
  return h("bdi", { class: "prose" }, ...parts, ...spelled(text.slice(at)));
}

// Where the patterns match, in order and apart.
function spans(text, patterns) {
  const all = patterns.flatMap((pattern) =>
    [...text.matchAll(pattern)].map((match) => [match.index, match.index + match[0].length]),
  );
  all.sort((a, b) => a[0] - b[0]);
  const kept = [];
  for (const span of all) {
    if (!kept.length || span[0] >= kept[kept.length - 1][1]) kept.push(span);
  }
  return kept;
}

// As `prose`, folded where it is very long, or has many lines.
function folded(text, patterns, tag = "p", kind = "") {
  const body = h(tag, { class: kind, dir: "auto" }, prose(text, patterns));
  if (!text.trim()) return h(tag, { class: `${kind} empty` }, "(empty)");
  if (text.length <= LONG && text.split("\n").length <= 8) return body;
  body.classList.add("folded");
  const button = h("button", { type: "button", class: "button quiet unfold" });
  const label = () => {
    const open = !body.classList.contains("folded");
    button.textContent = open ? "Show less" : `Show all ${count(text.length)} characters`;
    button.setAttribute("aria-expanded", String(open));
  };
  button.addEventListener("click", () => {
    body.classList.toggle("folded");
    label();
  });
  label();
  return h("div", { class: "foldable" }, body, button);
}

function count(number) {
  return number.toLocaleString("en-GB");
}

function plural(number, one, many) {
  return `${count(number)} ${number === 1 ? one : many || `${one}s`}`;
}

function percent(share) {
  const value = 100 * share;
  return value > 0 && value < 1 ? "<1" : value.toFixed(0);
}

function milliseconds(seconds) {
  const value = 1000 * seconds;
  if (value >= 10000) return `${seconds.toFixed(1)} s`;
  return `${value >= 100 ? value.toFixed(0) : value.toPrecision(2)} ms`;
}

function clock(seconds) {
  const whole = Math.max(0, seconds);
  const minutes = Math.floor(whole / 60);
  return `${minutes}:${(whole - 60 * minutes).toFixed(1).padStart(4, "0")}`;
}

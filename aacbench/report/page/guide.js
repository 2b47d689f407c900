// What a guide changed: token by token, and word by word against the same captioner without it.

const MOST_WORDS = 800; // beyond it a word-by-word comparison takes too long to be worth it

function steering(steered) {
  const changed = steered.filter((token) => token.instead !== null).length;
  const title = `What the guide changed: ${count(changed)} of ${plural(steered.length, "token")}`;
  return h("details", { class: "more steering", open: changed > 0 },
    h("summary", {}, title),
    h("p", { class: "legend soft" },
      h("span", { class: "swatch plain" }), " probability without the guide ",
      h("span", { class: "swatch guided" }), " with it. ",
      "Struck out: what the captioner alone would have said there."),
    h("ol", { class: "tokens" }, words(steered).map((tokens) =>
      h("li", { class: "word" }, h("ol", { class: "word-tokens" }, tokens.map(tokenCell))))));
}

// Tokens by the words that they spell: one that begins with a blank begins a word.
function words(steered) {
  const found = [];
  for (const token of steered) {
    if (!found.length || /^\s/u.test(token.text)) found.push([]);
    found[found.length - 1].push(token);
  }
  return found;
}

function tokenCell(token) {
  const changed = token.instead !== null;
  return h("li", { class: `token${changed ? " changed" : ""}` },
    h("span", { class: "token-text" }, ...spelled(token.text.trim() || "␣")),
    bar("plain", token.plain), bar("guided", token.guided),
    h("span", { class: "token-figures figure" }, shift(token.plain, token.guided)),
    changed ? h("span", { class: "instead" },
      h("span", { class: "visually-hidden" }, "instead of "),
      h("del", {}, ...spelled(token.instead.trim() || "␣")),
      h("span", { class: "token-figures figure" }, shift(token.instead_plain, token.instead_guided)),
    ) : null);
}

function shift(plain, guided) {
  return `${percent(plain)} → ${percent(guided)} %`;
}

function bar(kind, share) {
  const inner = h("span", {});
  inner.style.width = `${100 * share}%`;
  return h("span", { class: `bar ${kind}`, "aria-hidden": "true" }, inner);
}

// --- against the unguided twin ---------------------------------------------------------------------

function twinDiff(system, clip) {
  const twin = DATA.systems[system].twin;
  const ours = clip.said[system];
  const theirs = twin === null ? null : clip.said[twin];
  if (!theirs || !ours || theirs.error || ours.error) return null;
  const before = split(theirs.text);
  const after = split(ours.text);
  if (before.length > MOST_WORDS || after.length > MOST_WORDS) return null;
  const same = before.join(" ") === after.join(" ");
  return h("p", { class: "twin" },
    h("span", { class: "soft" }, "Against ", markOf(twin), " without the guide: "),
    same ? h("span", { class: "soft" }, "the same words.")
      : h("bdi", { class: "prose" }, ...compared(before, after)));
}

function split(text) {
  return text.split(/\s+/u).filter(Boolean);
}

// Runs of equal, removed and added words, from a longest common subsequence.
function compared(before, after) {
  const length = common(before, after);
  const parts = [];
  let i = 0;
  let j = 0;
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && alike(before[i], after[j])) {
      push(parts, "span", after[j]);
      i += 1;
      j += 1;
    } else if (j >= after.length || (i < before.length && length[i + 1][j] >= length[i][j + 1])) {
      push(parts, "del", before[i]);
      i += 1;
    } else {
      push(parts, "ins", after[j]);
      j += 1;
    }
  }
  return parts.flatMap(([tag, run]) => [h(tag, {}, ...spelled(run.join(" "))), " "]);
}

function alike(a, b) {
  return a.toLowerCase() === b.toLowerCase();
}

function push(parts, tag, word) {
  if (!parts.length || parts[parts.length - 1][0] !== tag) parts.push([tag, []]);
  parts[parts.length - 1][1].push(word);
}

// length[i][j]: of the longest common subsequence of what is left after i and j words.
function common(before, after) {
  const length = Array.from({ length: before.length + 1 }, () => new Uint16Array(after.length + 1));
  for (let i = before.length - 1; i >= 0; i -= 1) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      length[i][j] = alike(before[i], after[j])
        ? length[i + 1][j + 1] + 1
        : Math.max(length[i + 1][j], length[i][j + 1]);
    }
  }
  return length;
}

// The keyboard: clip by clip without a mouse.

const STEP_SECONDS = 1;

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  g: () => moveTo(0),
  G: () => moveTo(rows.length - 1),
  " ": () => toggle(),
  "/": () => byId("word").focus(),
  "?": () => byId("help").showModal(),
  ArrowLeft: () => nudge(-STEP_SECONDS),
  ArrowRight: () => nudge(STEP_SECONDS),
};
const LIST_KEYS = {
  ArrowDown: () => move(1),
  ArrowUp: () => move(-1),
  Home: () => moveTo(0),
  End: () => moveTo(rows.length - 1),
  Enter: () => closeList(),
};

function nudge(by) {
  if (player) seek(player.currentTime + by);
}

function takesLetters(element) {
  return element.closest("input, select, textarea, dialog") !== null;
}

// A space or an arrow is meant for what has the focus, where that understands it.
function meantFor(element, key) {
  if (key === " ") return element.closest("button, summary, a") !== null;
  return key.startsWith("Arrow") && element.closest(".scroller") !== null;
}

function pressed(event) {
  const target = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    closeList();
    if (takesLetters(target)) target.blur();
    return;
  }
  if (takesLetters(target) || meantFor(target, event.key)) return;
  const inList = target.id === "list" ? LIST_KEYS[event.key] : undefined;
  const wanted = inList || (Object.hasOwn(KEYS, event.key) ? KEYS[event.key] : undefined);
  if (!wanted) return;
  event.preventDefault();
  wanted();
}

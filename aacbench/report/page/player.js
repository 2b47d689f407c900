// Plays the clip that is looked at, and draws where it plays over wave and spectrogram.

let player = null; // the audio element of the clip looked at; null where it has no sound
let seconds = 0;

function silence() {
  if (player) player.pause();
  player = null;
  tellButtons();
}

// The player of a clip with sound, above its tracks.
function playerOf(sound) {
  seconds = sound.seconds;
  const audio = h("audio", { id: "audio", preload: "none", src: sound.file });
  for (const event of ["play", "pause", "ended"]) audio.addEventListener(event, tellButtons);
  audio.addEventListener("play", follow);
  audio.addEventListener("timeupdate", drawPlayhead);
  audio.addEventListener("error", () => byId("player").append(
    h("span", { class: "warning", role: "alert" }, "This browser cannot play the file.")));
  player = audio;
  return h("div", { class: "player", id: "player" },
    h("button", { type: "button", class: "play", id: "play", "aria-keyshortcuts": "space", onclick: toggle }, playIcon(false)),
    h("span", { class: "clock figure", id: "clock" }),
    h("span", { class: "sound-facts soft" }, soundFacts(sound)),
    audio);
}

function soundFacts(sound) {
  const parts = [`${(sound.rate / 1000).toPrecision(3).replace(/\.?0+$/u, "")} kHz`, "mono", loudness(sound)];
  if (sound.native !== sound.rate) parts[0] += ` (from ${sound.native / 1000})`;
  if (sound.quieter_db !== null) parts.push(`${minus(sound.quieter_db)} dB so that nothing is cut off`);
  if (sound.whole - sound.seconds > 0.05) parts.push(`the first ${clock(sound.seconds)} of ${clock(sound.whole)}`);
  return parts.join(" · ");
}

function playIcon(playing) {
  const shape = playing ? "M6 4h4v16H6zM14 4h4v16h-4z" : "M7 3.5v17l14-8.5z";
  return s("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, s("path", { d: shape }));
}

function isPlaying() {
  return player !== null && !player.paused && !player.ended;
}

function toggle() {
  if (!player) return;
  if (isPlaying()) player.pause();
  else play();
}

function play() {
  const failed = (reason) => {
    if (reason.name !== "AbortError") say("This browser cannot play the file.");
  };
  player.play().catch(failed);
}

function seek(to) {
  if (!player) return;
  player.currentTime = Math.min(Math.max(0, to), Math.max(0, seconds - 0.01));
  drawPlayhead();
}

function tellButtons() {
  const playing = isPlaying();
  const words = playing ? "Pause" : "Play";
  const button = byId("play");
  if (button) {
    button.setAttribute("aria-label", words);
    button.replaceChildren(playIcon(playing));
  }
  byId("bottom-play").textContent = words;
  byId("bottom-play").disabled = player === null;
}

function follow() {
  drawPlayhead();
  if (isPlaying()) window.requestAnimationFrame(follow);
}

function drawPlayhead() {
  const head = byId("playhead");
  if (!head || !player) return;
  const at = player.currentTime;
  head.style.left = `${(100 * Math.min(at, seconds)) / seconds}%`;
  byId("clock").textContent = `${clock(at)} / ${clock(seconds)}`;
  const slider = byId("tracks");
  slider.setAttribute("aria-valuenow", at.toFixed(1));
  slider.setAttribute("aria-valuetext", `${at.toFixed(1)} of ${seconds.toFixed(1)} seconds`);
}

// Makes the tracks a slider: a press anywhere on them, or a drag, goes there.
function attachTracks() {
  const inner = byId("tracks");
  if (!inner || !player) return;
  const about = { role: "slider", tabindex: "0", "aria-label": "Position", "aria-valuemin": "0", "aria-valuemax": seconds };
  fill(inner, about, []);
  const goto = (event) => {
    const box = inner.getBoundingClientRect();
    seek(((event.clientX - box.left) / box.width) * seconds);
  };
  inner.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.target.closest(".event")) return;
    goto(event);
    inner.setPointerCapture(event.pointerId);
  });
  inner.addEventListener("pointermove", (event) => {
    if (inner.hasPointerCapture(event.pointerId)) goto(event);
  });
  inner.addEventListener("click", (event) => {
    const bar = event.target.closest(".event");
    if (bar) playFrom(Number(bar.dataset.onset));
  });
  drawPlayhead();
}

function playFrom(onset) {
  seek(onset);
  play();
}

// Light or dark: the reader's system decides until the page's own switch says otherwise.
// Loaded in the head, before anything is drawn, so that no page flashes in the other colour.
"use strict";

window.aacTheme = (() => {
  const KEY = "aacbench-theme";
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  // A page opened from disk may be refused its storage: then the choice lasts as long as the page.
  function remembered() {
    try {
      return window.localStorage.getItem(KEY);
    } catch {
      return null;
    }
  }

  function remember(theme) {
    try {
      window.localStorage.setItem(KEY, theme);
    } catch {
      // Nothing to do: see above.
    }
  }

  function current() {
    return root.dataset.theme || (dark.matches ? "dark" : "light");
  }

  function announce() {
    document.dispatchEvent(new CustomEvent("aac-theme", { detail: current() }));
  }

  function choose(theme) {
    root.dataset.theme = theme;
    remember(theme);
    announce();
  }

  // Wires a button: it names the theme that a press would bring.
  function attach(button) {
    const label = () => {
      const other = current() === "dark" ? "light" : "dark";
      button.textContent = other === "dark" ? "Dark" : "Light";
      button.setAttribute("aria-label", `Use ${other} colours`);
    };
    button.addEventListener("click", () => choose(current() === "dark" ? "light" : "dark"));
    document.addEventListener("aac-theme", label);
    label();
  }

  const before = remembered();
  if (before === "light" || before === "dark") root.dataset.theme = before;
  dark.addEventListener("change", announce);

  // The value of a colour variable as the browser resolves it now, for what CSS cannot reach.
  function colour(name) {
    const probe = document.createElement("span");
    probe.style.color = `var(--${name})`;
    root.append(probe);
    const value = window.getComputedStyle(probe).color;
    probe.remove();
    return value;
  }

  return { attach, choose, colour, current };
})();

// Elements from data. Every word on this page that came from a stranger goes through `el`, which
// makes text nodes and never markup.
"use strict";

window.aac = window.aac || {};

(() => {
  const SVG = "http://www.w3.org/2000/svg";

  function set(node, name, value) {
    if (name === "on") {
      for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    } else if (name === "data") {
      Object.assign(node.dataset, value);
    } else if (value === true) {
      node.setAttribute(name, "");
    } else if (value !== false && value !== null && value !== undefined) {
      node.setAttribute(name, value);
    }
  }

  // el("p", { class: "note", on: { click: f } }, "words", [more, words], null)
  function el(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) set(node, name, value);
    node.append(...present(children));
    return node;
  }

  function present(children) {
    return children.flat(Infinity).filter((child) => child !== null && child !== undefined);
  }

  function fill(node, ...children) {
    node.replaceChildren(...present(children));
    return node;
  }

  function find(id) {
    return document.getElementById(id);
  }

  // The shape that tells a row's kind without colour: circle, diamond, square.
  const SHAPES = {
    measured: "M6 1.5a4.5 4.5 0 1 1 0 9a4.5 4.5 0 1 1 0-9Z",
    "re-scored": "M6 .6 11.4 6 6 11.4.6 6Z",
    published: "M2 2h8v8H2Z",
  };

  function shape(kind) {
    const picture = document.createElementNS(SVG, "svg");
    set(picture, "viewBox", "0 0 12 12");
    set(picture, "class", `shape ${kind}`);
    set(picture, "aria-hidden", "true");
    const path = document.createElementNS(SVG, "path");
    set(path, "d", SHAPES[kind] || SHAPES.published);
    picture.append(path);
    return picture;
  }

  // Puts the same children again and gives the keyboard back to whoever had it: an element that
  // is replaced by its like (the same data-focus) must not throw its user to the top of the page.
  function redraw(node, ...children) {
    const held = node.contains(document.activeElement) && document.activeElement.dataset.focus;
    fill(node, ...children);
    if (held) focus(node, held);
  }

  function focus(within, name) {
    const wanted = [...within.querySelectorAll("[data-focus]")];
    const node = wanted.find((candidate) => candidate.dataset.focus === name);
    if (node) node.focus({ preventScroll: true });
  }

  window.aac.dom = { el, fill, find, focus, redraw, shape };
})();

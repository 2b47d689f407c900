// The keyboard in the board: one stop of the tab key for its whole body, arrows within. Forty rows of
// eight numbers would otherwise be three hundred presses to whatever comes after.
"use strict";

(() => {
  function doors(node) {
    return [...node.querySelectorAll("button")];
  }

  function rove(tbody) {
    const all = doors(tbody);
    const held = all.find((door) => door === document.activeElement) || all[0];
    for (const door of all) door.tabIndex = door === held ? 0 : -1;
  }

  // The next row up or down that has a number in the same column.
  function vertical(door, step) {
    const cell = door.closest("td, th");
    const rows = [...door.closest("tbody").rows];
    let at = rows.indexOf(cell.parentElement) + step;
    while (rows[at] && !doors(rows[at].cells[cell.cellIndex]).length) at += step;
    return rows[at] ? doors(rows[at].cells[cell.cellIndex])[0] : null;
  }

  function horizontal(door, step) {
    const line = doors(door.closest("tr"));
    return line[line.indexOf(door) + step] || null;
  }

  const STEPS = {
    ArrowRight: (door) => horizontal(door, 1),
    ArrowLeft: (door) => horizontal(door, -1),
    ArrowDown: (door) => vertical(door, 1),
    ArrowUp: (door) => vertical(door, -1),
    Home: (door) => doors(door.closest("tr"))[0],
    End: (door) => doors(door.closest("tr")).at(-1),
  };

  function move(event) {
    const door = event.target.closest("tbody button");
    if (!door || !Object.hasOwn(STEPS, event.key)) return;
    event.preventDefault();
    const wanted = STEPS[event.key](door);
    if (wanted) wanted.focus();
  }

  function take(door) {
    for (const other of doors(door.closest("tbody"))) other.tabIndex = -1;
    door.tabIndex = 0;
  }

  function attach(table) {
    table.addEventListener("keydown", move);
    table.addEventListener("focusin", (event) => {
      const door = event.target.closest("tbody button");
      if (door) take(door);
    });
  }

  window.aac.keys = { attach, rove };
})();

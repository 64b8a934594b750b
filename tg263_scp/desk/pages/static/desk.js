// A little help for people at a keyboard. Every page works without it.
"use strict";
(() => {
  for (const all of document.querySelectorAll("input[data-all]")) {
    const boxes = () => all.form.querySelectorAll('tbody input[type="checkbox"]');
    all.addEventListener("change", () => boxes().forEach((box) => { box.checked = all.checked; }));
    all.form.addEventListener("change", (event) => {
      if (event.target !== all) {
        const ticked = [...boxes()].filter((box) => box.checked).length;
        all.checked = ticked === boxes().length;
        all.indeterminate = ticked > 0 && !all.checked;
      }
    });
  }
})();

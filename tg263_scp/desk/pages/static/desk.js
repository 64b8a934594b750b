// A little help for people at a keyboard. Every page works without it.
"use strict";
(() => {
  const $ = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];

  // One box for all.
  for (const box of all("input[data-all]")) {
    const boxes = () => all('tbody input[type="checkbox"]', box.form);
    box.addEventListener("change", () => boxes().forEach((each) => { each.checked = box.checked; }));
    box.form.addEventListener("change", (event) => {
      if (event.target !== box) {
        const ticked = boxes().filter((each) => each.checked).length;
        box.checked = ticked === boxes().length;
        box.indeterminate = ticked > 0 && !box.checked;
      }
    });
  }

  // An ROI in the list and its shape in the sketch point at each other.
  const shapes = (row) => all(`.sketch [data-roi="${row.dataset.roiRow}"]`);
  for (const row of all("[data-roi-row]")) {
    row.addEventListener("mouseenter", () => shapes(row).forEach((each) => each.classList.add("lit")));
    row.addEventListener("mouseleave", () => shapes(row).forEach((each) => each.classList.remove("lit")));
  }

  // A field that knows what a TG-263 name is.
  for (const field of all("input[data-suggest]")) {
    let asked = 0;
    field.addEventListener("input", async () => {
      const text = field.value.trim();
      const turn = ++asked;
      field.dataset.state = "";
      field.setCustomValidity("");
      if (!text) { return; }
      await new Promise((done) => setTimeout(done, 150));
      if (turn !== asked) { return; }
      try {
        const answer = await (await fetch(`/suggest?q=${encodeURIComponent(text)}`)).json();
        if (turn !== asked) { return; }
        field.dataset.state = answer.is_name ? "yes" : "no";
        field.setCustomValidity(answer.is_name ? "" : "This is no TG-263 name: neither listed nor built by its grammar.");
        const list = document.getElementById("tg263");
        for (const each of answer.names) {
          if (list && !all("option", list).some((option) => option.value === each.name)) {
            list.append(new Option(each.name, each.name));
          }
        }
      } catch { /* the desk looks at it anyway */ }
    });
  }

  // Deciding with the keyboard.
  const form = $("form[data-decide]");
  const rows = form ? all("[data-row]", form) : all("tr[data-row]");
  const place = (row) => (row.nextElementSibling?.matches("[data-picks]") ? row.nextElementSibling : row);
  let at = -1;
  const move = (to) => {
    if (!rows.length) { return; }
    rows[at]?.classList.remove("now");
    at = Math.max(0, Math.min(rows.length - 1, to));
    rows[at].classList.add("now");
    rows[at].scrollIntoView({ block: "nearest" });
    shapes(rows[at]).forEach((each) => each.classList.add("lit"));
    all(".sketch .lit").filter((each) => each.dataset.roi !== rows[at].dataset.roiRow).forEach((each) => each.classList.remove("lit"));
  };
  const count = () => {
    const picked = rows.filter((row) => $("input:checked", place(row)) || $("input.other", place(row))?.value.trim()).length;
    const shown = form && $("[data-count]", form);
    if (shown) { shown.textContent = picked ? ` with ${picked}` : ""; }
  };
  const pick = (input) => {
    if (!input) { return; }
    input.checked = !input.checked;
    const other = $("input.other", place(rows[at]));
    if (other) { other.value = ""; other.dataset.state = ""; other.setCustomValidity(""); }
    count();
    if (input.checked) { move(at + 1); }
  };
  const clear = () => {
    const picked = rows[at] ? all("input", place(rows[at])).filter((each) => each.checked || (each.type === "text" && each.value)) : [];
    picked.forEach((each) => { each.checked = false; if (each.type === "text") { each.value = ""; each.dataset.state = ""; each.setCustomValidity(""); } });
    count();
    return picked.length > 0;
  };
  if (form) {
    all("[data-keys]", form).forEach((each) => { each.hidden = false; });
    form.addEventListener("change", count);
    form.addEventListener("input", count);
    count();
  }
  const undo = () => clear() || (at >= 0 && !form ? $("[data-undo]", rows[at]) : $("[data-undo]"))?.click();
  const keys = {
    j: () => move(at + 1), ArrowDown: () => move(at + 1),
    p: () => move(at - 1), ArrowUp: () => move(at - 1),
    k: () => rows[at] && pick($(".keep input", place(rows[at]))),
    e: () => rows[at] && $("input.other", place(rows[at]))?.focus(),
    u: undo,
    Enter: () => form?.requestSubmit($("[data-go]", form)),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) { return; }
    const inField = event.target.matches('input:not([type="radio"]):not([type="checkbox"]), select, textarea');
    if (event.key === "Escape" && inField) { event.target.blur(); return; }
    if (inField || event.target.matches("button, a") && event.key === "Enter") { return; }
    const act = /^[1-5]$/.test(event.key)
      ? () => rows[at] && pick(all(".pick:not(.keep) input", place(rows[at]))[Number(event.key) - 1])
      : rows.length || event.key === "u" ? keys[event.key] : undefined;
    if (act) { event.preventDefault(); act(); }
  });
  if (form && rows.length) { move(0); window.scrollTo(0, 0); }
})();

// Sorting and filtering of the tensor table. The report is complete without it.
"use strict";
(() => {
  const table = document.querySelector("table[data-sortable]");
  const form = document.querySelector("form[data-filters]");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const output = form.querySelector("output");
  const fields = Object.fromEntries([...form.querySelectorAll("[data-filter]")].map((f) => [f.dataset.filter, f]));

  // "< 1e-12", "99.7%", "1,234": the number in a figure; what is no number sorts last, whichever way.
  const figure = (text) => Number.parseFloat(text.replace(/[<>%,\s]/g, ""));

  const order = (column, isFigure, sign) => {
    const key = (row) => {
      const text = row.cells[column].textContent;
      return isFigure ? figure(text) : text;
    };
    const missing = (value) => (isFigure ? Number.isNaN(value) : value === "");
    const keyed = rows.map((row, index) => ({ row, index, value: key(row) }));
    keyed.sort((a, b) => {
      if (missing(a.value) || missing(b.value)) {
        return missing(a.value) - missing(b.value) || a.index - b.index;
      }
      const difference = isFigure ? a.value - b.value : a.value.localeCompare(b.value, "en", { numeric: true });
      return sign * difference || a.index - b.index;
    });
    body.append(...keyed.map((entry) => entry.row));
  };

  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.title = table.dataset.sortLabel.replace("#", head.textContent);
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const ascending = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      order(column, head.classList.contains("figure"), ascending ? 1 : -1);
    });
  });

  const filter = () => {
    const wanted = fields.name.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      const name = row.cells[0].querySelector(".name");
      const whole = (name.title || name.textContent).toLowerCase();
      row.hidden =
        !whole.includes(wanted) ||
        (fields.component.value !== "" && row.dataset.c !== fields.component.value) ||
        (fields.relation.value !== "" && row.dataset.r !== fields.relation.value);
      shown += row.hidden ? 0 : 1;
    }
    output.textContent = output.dataset.shown.replace("#", shown.toLocaleString("en"));
  };

  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  filter();
})();

// Sorting and filtering of every table of rows. The report is complete without it.
"use strict";
(() => {
  const FEW = 6; // a table that short is read at once; it gets no filter of its own

  // "< 1e-12", "99.7%", "1,234": the number in a figure; what is no number sorts last, whichever way.
  const figure = (text) => Number.parseFloat(text.replace(/[<>%,\s]/g, ""));
  const whole = (cell) => {
    const name = cell.querySelector(".name[title]");
    return name ? `${name.title} ${cell.textContent}` : cell.textContent;
  };

  const sorting = (table, rows) => {
    const heads = [...table.tHead.rows[0].cells];
    const order = (column, isFigure, sign) => {
      const key = (row) => {
        const text = row.cells[column].textContent.trim();
        return isFigure ? figure(text) : text;
      };
      const missing = (value) => (isFigure ? Number.isNaN(value) : value === "");
      const keyed = rows.map((row, index) => ({ row, index, value: key(row) }));
      keyed.sort((a, b) => {
        if (missing(a.value) || missing(b.value)) {
          return missing(a.value) - missing(b.value) || a.index - b.index;
        }
        const language = document.documentElement.lang;
        const difference = isFigure ? a.value - b.value : a.value.localeCompare(b.value, language, { numeric: true });
        return sign * difference || a.index - b.index;
      });
      table.tBodies[0].append(...keyed.map((entry) => entry.row));
    };
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
  };

  const filtering = (table, rows, form, output) => {
    const fields = [...form.querySelectorAll("[data-filter]")];
    const value = (name) => fields.find((field) => field.dataset.filter === name)?.value ?? "";
    const named = form.matches("[data-filters]"); // by name only; a small table by anything in the row
    const texts = rows.map((row) => (named ? whole(row.cells[0]) : [...row.cells].map(whole).join(" ")).toLowerCase());
    const filter = () => {
      const wanted = value("name").trim().toLowerCase();
      const component = value("component");
      const relation = value("relation");
      let shown = 0;
      rows.forEach((row, index) => {
        row.hidden =
          !texts[index].includes(wanted) ||
          (component !== "" && row.dataset.c !== component) ||
          (relation !== "" && row.dataset.r !== relation);
        shown += row.hidden ? 0 : 1;
      });
      output.textContent = table.dataset.shown.replace("#", shown.toLocaleString(document.documentElement.lang));
    };
    form.addEventListener("input", filter);
    form.addEventListener("submit", (event) => event.preventDefault());
    filter();
  };

  const smallFilter = (table) => {
    const form = document.createElement("form");
    form.className = "small-filter";
    const label = document.createElement("label");
    const field = document.createElement("input");
    field.type = "search";
    field.dataset.filter = "name";
    field.autocomplete = "off";
    label.append(table.dataset.filterLabel, " ", field);
    const output = document.createElement("output");
    output.setAttribute("aria-live", "polite");
    form.append(label, output);
    table.closest(".scroll").before(form);
    return form;
  };

  for (const table of document.querySelectorAll("table[data-sortable]")) {
    const rows = [...table.tBodies[0].rows];
    sorting(table, rows);
    let form = table.closest("details")?.querySelector("form[data-filters]");
    if (!form && rows.length > FEW) {
      form = smallFilter(table);
    }
    if (form) {
      form.hidden = false;
      filtering(table, rows, form, form.querySelector("output"));
    }
  }
})();

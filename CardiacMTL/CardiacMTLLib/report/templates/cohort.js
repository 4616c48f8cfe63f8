"use strict";
// Sorts the table of cases by a column; without script the table stays in the order in which it was written.
(function () {
  const table = document.getElementById("cases-table");
  const body = table.tBodies[0];
  const told = document.getElementById("sorted");
  const value = (row, column) => row.cells[column].dataset.value || "";
  function compare(column, numeric, sign) {
    return (one, other) => {
      const a = value(one, column), b = value(other, column);
      if (a === "" || b === "") { return (a === "") - (b === ""); }
      return sign * (numeric ? Number(a) - Number(b) : a.localeCompare(b, undefined, { numeric: true }));
    };
  }
  Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
    const name = head.textContent;
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-label", "Sort by " + name);
    head.append(" ", button);
    button.addEventListener("click", () => {
      const rising = head.getAttribute("aria-sort") !== "ascending";
      for (const other of table.tHead.rows[0].cells) { other.removeAttribute("aria-sort"); }
      head.setAttribute("aria-sort", rising ? "ascending" : "descending");
      const rows = Array.from(body.rows).sort(compare(column, head.dataset.kind === "number", rising ? 1 : -1));
      body.append(...rows);
      told.textContent = "Sorted by " + name + (rising ? ", rising" : ", falling");
    });
  });
})();

/* Choose an operating point and a reference group. Every number stands in the page without this; it only opens and hides. */
(function () {
  "use strict";
  var bar = document.getElementById("controls");
  if (!bar) return;
  function control(name, words, options, pick) {
    if (options.length < 2) return;
    var label = document.createElement("label"), select = document.createElement("select");
    label.appendChild(document.createTextNode(words));
    select.id = "choose-" + name;
    options.forEach(function (option) {
      var item = document.createElement("option");
      item.value = option[0]; item.textContent = option[1]; select.appendChild(item);
    });
    select.addEventListener("change", function () { pick(select.value); });
    label.appendChild(select); bar.appendChild(label); bar.hidden = false;
  }
  var seen = {}, points = [];
  document.querySelectorAll("#wrong .panel").forEach(function (panel) {
    var id = panel.dataset.point, summary = panel.querySelector(":scope > summary");
    if (!seen[id]) { seen[id] = 1; points.push([id, summary ? summary.textContent.replace(/^At /, "") : bar.dataset.first]); }
  });
  control("point", "Threshold", points, function (chosen) {
    var groups = new Map();
    document.querySelectorAll(".panel").forEach(function (panel) {
      if (!groups.has(panel.parentNode)) groups.set(panel.parentNode, []);
      groups.get(panel.parentNode).push(panel);
    });
    groups.forEach(function (panels) {
      var has = panels.some(function (panel) { return panel.dataset.point === chosen; });
      panels.forEach(function (panel) {
        var on = !has || panel.dataset.point === chosen;
        panel.hidden = !on;
        if (panel.tagName === "DETAILS" && on && has) panel.open = true;
      });
    });
  });
  var references = [["", bar.dataset.reference]];
  var tables = document.querySelectorAll("details.reference");
  tables.forEach(function (table) { references.push([table.dataset.reference, table.querySelector("summary").textContent.replace(/^Over the rate of /, "")]); });
  control("reference", "Compare with", references, function (chosen) {
    tables.forEach(function (table) {
      table.hidden = chosen !== "" && table.dataset.reference !== chosen;
      table.open = table.dataset.reference === chosen;
      if (table.open) table.scrollIntoView({ block: "center" });
    });
  });
  function follow() {
    var row = location.hash && document.getElementById(location.hash.slice(1));
    for (var node = row; node; node = node.parentElement) if (node.tagName === "DETAILS") { node.open = true; node.hidden = false; }
    if (row) row.scrollIntoView({ block: row.tagName === "TR" ? "center" : "start" }); /* a section lands on its heading, a row in view */
  }
  window.addEventListener("hashchange", follow);
  if (location.hash) follow();
})();

/* One strip: which threshold, compared with whom. Every number stands in the page without this; it opens, hides, and keeps the choice in the address:
   #section;at=OPERATING_POINT;over=GROUP. */
(function () {
  "use strict";
  var bar = document.getElementById("controls");
  if (!bar) return;
  var states = [].slice.call(document.querySelectorAll("#states > li")), first = bar.dataset.first;
  var title = document.getElementById("title"), now = document.getElementById("now");
  var references = [].slice.call(document.querySelectorAll("details.reference"));
  var slider = null, said = null, over = null, chosen = { at: first, over: "" };
  function part(name) {
    var label = document.createElement("label");
    label.appendChild(document.createTextNode(name));
    bar.appendChild(label); bar.hidden = false;
    return label;
  }
  function place(id) { return states.findIndex(function (one) { return one.dataset.id === id; }); }
  if (states.length > 1) {
    var label = part("Threshold, strictest at the right");
    slider = document.createElement("input");
    slider.type = "range"; slider.id = "choose-point"; slider.min = 0; slider.max = states.length - 1; slider.step = 1;
    slider.addEventListener("input", function () { put({ at: states[slider.value].dataset.id, over: "" }); });
    said = document.createElement("output"); said.htmlFor = "choose-point";
    label.appendChild(slider); label.appendChild(said);
  }
  if (references.length) {
    over = document.createElement("select"); over.id = "choose-reference";
    [["", bar.dataset.reference]].concat(references.map(function (node) { return [node.dataset.reference, node.dataset.label]; })).forEach(function (pair) {
      var item = document.createElement("option");
      item.value = pair[0]; item.textContent = pair[1]; over.appendChild(item);
    });
    over.addEventListener("change", function () { put({ at: first, over: over.value }); });
    part("Compare with").appendChild(over);
  }
  function read() {
    var out = { target: "", at: first, over: "" };
    location.hash.slice(1).split(";").forEach(function (word) {
      var at = word.indexOf("="), value = word;
      try { value = decodeURIComponent(word.slice(at + 1)); } catch (error) { return; }
      if (at < 0) out.target = out.target || value;
      else if (word.slice(0, at) === "at" && place(value) >= 0) out.at = value;
      else if (word.slice(0, at) === "over" && references.some(function (node) { return node.dataset.reference === value; })) out.over = value;
    });
    if (out.at !== first) out.over = ""; /* other references were computed at the first threshold alone */
    return out;
  }
  function address(state, target) {
    var words = target ? [target] : [];
    if (state.at !== first) words.push("at=" + encodeURIComponent(state.at));
    if (state.over) words.push("over=" + encodeURIComponent(state.over));
    return "#" + words.join(";");
  }
  function put(state) { history.replaceState(null, "", address(state, "")); show(state); }
  function show(state) {
    chosen = state;
    var at = states[place(state.at)], slug = at ? at.dataset.point : "p0", groups = new Map();
    document.querySelectorAll(".panel").forEach(function (panel) {
      if (!groups.has(panel.parentNode)) groups.set(panel.parentNode, []);
      groups.get(panel.parentNode).push(panel);
    });
    groups.forEach(function (panels) {
      var has = panels.some(function (panel) { return panel.dataset.point === slug; });
      panels.forEach(function (panel) {
        var mine = panel.dataset.point === slug;
        panel.hidden = state.at !== first && has && !mine;
        if (panel.tagName === "DETAILS") panel.open = state.at !== first && mine;
      });
    });
    references.forEach(function (node) {
      node.hidden = state.over !== "" && node.dataset.reference !== state.over;
      node.open = state.over !== "" && node.dataset.reference === state.over;
    });
    if (at) title.textContent = at.dataset.title;
    document.title = title.textContent;
    now.hidden = state.at === first;
    now.textContent = state.at === first ? "" : "You read this report at another threshold than its own: " + at.textContent + ". Section 1, the claims and the figures follow; summaries, power and label tables stand at the first.";
    if (slider) { slider.value = place(state.at); said.textContent = at.dataset.short; slider.setAttribute("aria-valuetext", at.textContent); }
    if (over) over.value = state.over;
  }
  function follow() {
    var state = read(), row = state.target && document.getElementById(state.target);
    show(state);
    for (var node = row; node; node = node.parentElement) if (node.tagName === "DETAILS") { node.open = true; node.hidden = false; }
    if (row) row.scrollIntoView({ block: row.tagName === "TR" ? "center" : "start" }); /* a section lands on its heading, a row in view */
  }
  document.addEventListener("click", function (event) { /* a link inside the page keeps the choice */
    var link = event.target.closest && event.target.closest('a[href^="#"]');
    if (!link || (chosen.at === first && !chosen.over)) return;
    event.preventDefault();
    location.hash = address(chosen, link.getAttribute("href").slice(1));
  });
  window.addEventListener("hashchange", follow);
  follow();
})();

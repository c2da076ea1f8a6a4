// The monitor: a table of open actions that the kernel keeps up to date; what is shown of it is chosen here.

const VERDICTS = ["stuck", "slow", "too few to tell", "normal", "errored", "gone", "unclear", "completed"];
const COLUMNS = { verdict: "Verdict", event: "Event", resource: "Resource", region: "Region", started_s: "Started (UTC)", age_s: "Age, and what is usual" };
const NEWS_MS = 120000;

function makeBar({ age, from, to, p99 }) {
  const bar = make("svg:svg", { class: "da-age", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" });
  bar.append(
    make("svg:rect", { class: "da-usual", x: 100 * from, y: 0, width: Math.max(0.5, 100 * (to - from)), height: 10 }),
    make("svg:line", { x1: 100 * p99, x2: 100 * p99, y1: 0, y2: 10 }),
    make("svg:rect", { class: "da-now", x: 0, y: 3, width: Math.max(0.5, 100 * age), height: 4 }),
  );
  return bar;
}

function makeRow(root) {
  const chip = make("span", { class: "da-chip" });
  const event = make("button", { type: "button", class: "da-link", "aria-expanded": "false" });
  const cells = Object.fromEntries(["resource", "region", "started"].map((name) => [name, make("td")]));
  const [age, usual] = [make("div"), make("div", { class: "da-pale" })];
  const copy = make("button", { type: "button" }, "Copy id");
  const text = make("span");
  const details = make("tr", { class: "da-details", hidden: true }, make("td", { colspan: 6 }, text, " ", copy));
  const row = make("tr", {}, make("td", {}, chip), make("td", {}, event), cells.resource, cells.region, cells.started, make("td", {}, age, usual));
  let id = "";
  event.addEventListener("click", () => {
    details.hidden = !details.hidden;
    set(event, "aria-expanded", String(!details.hidden));
  });
  copy.addEventListener("click", async () => {
    say(copy, (await copyText(id, root)) ? "Copied" : "Select it and press Ctrl+C");
    setTimeout(() => say(copy, "Copy id"), 2000);
  });
  return {
    nodes: [row, details],
    update(told) {
      id = told.id;
      set(row, "class", told.is_ended ? "da-ended" : "");
      say(chip, told.verdict);
      set(chip, "class", `da-chip da-verdict-${told.verdict.replaceAll(" ", "-")}`);
      say(event, told.event);
      for (const name of Object.keys(cells)) {
        say(cells[name], told[name]);
        set(cells[name], "title", told[name]);
      }
      age.replaceChildren(told.age, ...(told.bar ? [makeBar(told.bar)] : []));
      say(usual, told.usual);
      say(text, told.details);
    },
  };
}

function render({ model, el }) {
  const view = freshId();
  const heading = make("h4");
  const status = make("p", { class: "da-status" });
  const news = make("div", { role: "log", "aria-label": "What became stuck or ended" });
  const alert = make("div", { role: "alert", class: "da-alert", hidden: true });
  const filter = make("input", { type: "search", placeholder: "Filter: web, snapshot, stuck", "aria-label": "Filter the actions by words", autocomplete: "off", spellcheck: "false" });
  const [start, stop] = ["start", "stop"].map((kind) => make("button", { type: "button", class: `da-${kind}`, onclick: () => tell(kind) }, kind === "start" ? "Start" : "Stop"));
  const body = make("tbody");
  const heads = Object.entries(COLUMNS).map(([name, label]) =>
    make("th", { scope: "col", "data-column": name, "aria-sort": "none" }, make("button", { type: "button", onclick: () => sortBy(name) }, label, make("span", { class: "da-arrow", "aria-hidden": "true" }))));
  const table = make("table", { "aria-label": "Open actions" }, make("thead", {}, make("tr", { class: "da-head" }, ...heads)), body);
  const none = make("p", { class: "da-pale" });
  const root = make("div", { class: "da-panel da-monitor", role: "region", "aria-label": "Monitor of open actions" },
    heading, make("div", { class: "da-row" }, status, start, stop, filter), alert, news, table, none,
    make("p", { class: "da-pale" }, "In a bar: the age; shaded, from the median to the p90 of those like it; the line is their p99, from which on it is slow."));
  keepKeys(root);
  const rows = new Map();
  let shown = [];
  let [sort, down] = [null, false];

  function tell(kind) {
    try {
      model.send({ kind, view });
    } catch {
      say(alert, "No longer live: the kernel behind this panel has ended. Run the cell again.");
      alert.hidden = false;
      root.classList.add("da-lost");
    }
  }
  function sortBy(name) {
    if (sort !== name) [sort, down] = [name, name === "age_s"];
    else if (down === (name === "age_s")) down = !down;
    else [sort, down] = [null, false];
    draw();
  }
  const rank = (row) => (sort === "verdict" ? VERDICTS.indexOf(row.verdict) : row[sort]);
  // What is not known comes last, whichever way.
  function compare(one, other) {
    const [a, b] = [rank(one), rank(other)];
    if (a === null || b === null) return (a === null) - (b === null);
    return (a < b ? -1 : Number(a > b)) * (down ? -1 : 1);
  }
  function draw() {
    heads.forEach((head) => {
      const is = head.dataset.column === sort;
      set(head, "aria-sort", is ? (down ? "descending" : "ascending") : "none");
      say(head.querySelector(".da-arrow"), is ? (down ? " ▼" : " ▲") : "");
    });
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = shown.filter((row) => words.every((word) => row.searched.includes(word)));
    if (sort) chosen.sort(compare);
    for (const row of chosen) {
      if (!rows.has(row.id)) rows.set(row.id, makeRow(root));
      rows.get(row.id).update(row);
    }
    for (const id of [...rows.keys()]) if (!shown.some((row) => row.id === id)) rows.delete(id);
    arrange(body, chosen.flatMap((row) => rows.get(row.id).nodes));
    table.hidden = !chosen.length;
    say(none, chosen.length ? "" : shown.length ? "No action has these words." : "Nothing is running.");
    none.hidden = Boolean(chosen.length);
  }
  function announce(sentences) {
    for (const sentence of sentences) {
      const item = make("p", {}, sentence);
      news.prepend(item);
      setTimeout(() => item.remove(), NEWS_MS);
    }
    while (news.children.length > 5) news.lastChild.remove();
  }
  function hear(told) {
    if (told.kind !== "observation") return;
    shown = told.rows;
    say(heading, told.heading);
    say(status, told.status);
    start.disabled = told.is_running;
    stop.disabled = !told.is_running;
    say(alert, told.error);
    alert.hidden = !told.error;
    root.classList.remove("da-lost");
    announce(told.news);
    none.hidden = true;
    if (told.is_read) draw();
    else table.hidden = true;
  }
  const look = () => tell("look");
  const noteVisibility = () => tell(document.hidden ? "hidden" : "visible");
  // Said again and again: it changes nothing, and fails once the kernel has ended.
  const pulse = setInterval(noteVisibility, PULSE_MS);
  filter.addEventListener("input", draw);
  document.addEventListener("visibilitychange", noteVisibility);
  model.on("msg:custom", hear);
  model.on("comm_live_update", look);
  el.append(make("style", {}, `.${model.get("fallback_class")} { display: none; }`), root);
  noteVisibility();
  look();
  return () => {
    clearInterval(pulse);
    document.removeEventListener("visibilitychange", noteVisibility);
    model.off("msg:custom", hear);
    model.off("comm_live_update", look);
    // Nobody sees it any more.
    try { model.send({ kind: "hidden", view }); } catch { /* The kernel has ended. */ }
  };
}

export default { render };

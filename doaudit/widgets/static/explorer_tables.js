// Tables of the explorer: durations and failure rates by type, and every selected row, of which those in sight exist.

const ROW_PX = 24;
const TALLEST_PX = 15000000; // browsers cannot scroll further
const PAGE = 100;
const HEADINGS = { account: "Account", started_at: "Started (UTC)", type: "Type", outcome: "Outcome", resource: "Resource", region: "Region", duration_s: "Took", id: "Action" };

function makeChart(label, headings, note) {
  const body = make("tbody");
  const rest = make("p", { class: "da-pale" });
  const root = make("section", { class: "da-chart", "aria-label": label }, make("h4", {}, label),
    make("table", {}, make("thead", {}, make("tr", {}, ...headings.map((each) => make("th", { scope: "col" }, each)))), body), rest);
  function update(rows, draw, types, choose, warning = "") {
    const hadFocus = body.contains(document.activeElement);
    body.replaceChildren(...rows.map((row) => make("tr", {}, make("th", { scope: "row" }, make("button", { type: "button", class: "da-link", "aria-label": `Only ${row.label}`, onclick: () => choose(row.type) }, row.label)), ...draw(row))));
    say(rest, rows.length ? `${warning || note}${types > rows.length ? ` ${types - rows.length} more types are not shown.` : ""}` : "Nothing is selected.");
    if (hadFocus) body.querySelector("button")?.focus();
  }
  return { root, update };
}

// A place on a logarithmic axis from one second to the longest, as a share.
const logPlace = (seconds, longest) => Math.log10(Math.max(1, seconds)) / Math.log10(Math.max(10, longest));

const makeStrip = (kind) => make("svg:svg", { class: `da-strip ${kind}`, viewBox: "0 0 100 12", preserveAspectRatio: "none", "aria-hidden": "true" });

function drawDuration({ completed, p50_s: median, p90_s: p90 }, longest) {
  const strip = makeStrip("");
  if (median.s !== null) {
    const ends = [logPlace(median.s, longest), logPlace(p90.s ?? median.s, longest)].map((share) => 2 + 96 * share);
    strip.append(make("svg:line", { x1: ends[0], x2: ends[1], y1: 6, y2: 6 }), make("svg:rect", { x: ends[0] - 0.9, y: 1, width: 1.8, height: 10 }));
    if (p90.s !== null) strip.append(make("svg:rect", { x: ends[1] - 0.5, y: 2.5, width: 1, height: 7 }));
  }
  return [make("td", {}, strip), make("td", { class: "da-right" }, median.text), make("td", { class: "da-right" }, p90.text), make("td", { class: "da-right" }, number(completed))];
}

function drawRate({ finished, errored, failure_rate: share, low, high, text }, highest) {
  const strip = makeStrip("da-bad");
  if (share !== null) {
    const x = (each) => 2 + (96 * each) / highest;
    strip.append(make("svg:line", { x1: x(low), x2: x(high), y1: 6, y2: 6 }), make("svg:rect", { x: x(share) - 0.9, y: 1, width: 1.8, height: 10 }));
  }
  return [make("td", {}, strip), make("td", { class: "da-right" }, text), make("td", { class: "da-right" }, `${number(errored)} of ${number(finished)}`)];
}

function makeGrid(asker, columns, open, ready) {
  const header = make("div", { role: "row", class: "da-head", "aria-rowindex": 1 });
  const rows = make("div", { class: "da-rows", role: "rowgroup" });
  const spacer = make("div", { class: "da-spacer", role: "presentation" });
  const viewport = make("div", { class: "da-viewport", role: "presentation" }, make("div", { role: "presentation", class: "da-sticky" }, rows), spacer);
  const root = make("div", { class: "da-grid", role: "grid", tabindex: 0, "aria-label": "Selected actions", "aria-multiselectable": "false", id: freshId() }, make("div", { role: "rowgroup" }, header), viewport);
  let token = 0; // of the selection and order that pages are of
  let [total, sort, down] = [0, null, false];
  let pages = new Map();
  let active = 0;
  let fetching = null;
  let told = true;

  const heads = columns.map((column) => {
    const button = make("button", { type: "button", tabindex: -1, onclick: () => sortBy(column) }, HEADINGS[column], make("span", { "aria-hidden": "true", class: "da-arrow" }));
    return make("div", { role: "columnheader", "data-column": column, class: `da-c-${column}` }, button);
  });
  header.append(...heads);
  const buttons = () => heads.map((head) => head.firstChild);
  set(buttons()[0], "tabindex", 0);
  header.addEventListener("keydown", (event) => roving(header, buttons, event));
  const visible = () => Math.max(1, Math.floor(viewport.clientHeight / ROW_PX));
  const most = () => Math.max(0, total - visible());
  const height = () => Math.min(total * ROW_PX, TALLEST_PX);
  const room = () => Math.max(1, height() - visible() * ROW_PX);
  const firstRow = () => (total * ROW_PX <= TALLEST_PX ? Math.min(most(), Math.round(viewport.scrollTop / ROW_PX)) : Math.round((Math.min(viewport.scrollTop, room()) / room()) * most()));
  function scrollToRow(row) {
    const wanted = Math.max(0, Math.min(most(), row));
    viewport.scrollTop = total * ROW_PX <= TALLEST_PX ? wanted * ROW_PX : Math.round((wanted / Math.max(1, most())) * room());
  }
  function sortBy(column) {
    // Times, durations and ids are looked at from the largest; the second click turns the order, the third ends it.
    const begins = ["started_at", "duration_s", "id"].includes(column);
    if (sort !== column) [sort, down] = [column, begins];
    else if (down === begins) down = !down;
    else [sort, down] = [null, false];
    renew();
  }
  function renew() {
    token += 1;
    pages = new Map();
    heads.forEach((head) => {
      const is = head.dataset.column === sort;
      set(head, "aria-sort", is ? (down ? "descending" : "ascending") : "none");
      say(head.querySelector(".da-arrow"), is ? (down ? " ▼" : " ▲") : "");
    });
    active = 0;
    viewport.scrollTop = 0;
    draw();
  }
  // Once the first rows of a selection are there, what takes longer may be asked.
  function tell() {
    if (!told) ready();
    told = true;
  }
  function fetchPage(page) {
    const asked = token;
    if (fetching === `${asked}/${page}`) return;
    fetching = `${asked}/${page}`;
    asker.ask("rows", { sort, down, offset: page * PAGE, limit: PAGE }, (answer) => {
      fetching = null;
      if (asked === token && answer.rows) pages.set(page, answer.rows);
      if (answer.rows) draw();
      if (asked === token) tell();
    });
  }
  function cell(row, column) {
    const text = column === "resource" ? (row.resource_name ?? row.resource) : row[column];
    const made = make("div", { role: "gridcell", class: `da-c-${column}`, title: column === "resource" ? (row.resource ?? "") : (text ?? "") });
    if (column === "outcome") made.append(make("span", { class: `da-dot da-${row.outcome}`, "aria-hidden": "true" }), row.outcome === "unclear" ? (row.status ?? "unclear") : row.outcome);
    else if (column === "resource" && row.resource !== null) made.append(make("button", { type: "button", tabindex: -1, class: "da-link", onclick: () => open(row) }, text));
    else made.append(text ?? "-");
    return made;
  }
  function draw() {
    spacer.style.height = `${Math.max(0, height() - visible() * ROW_PX)}px`;
    const [from, shown] = [firstRow(), Math.min(total, visible())];
    let lacking = null;
    const drawn = Array.from({ length: shown }, (_, at) => {
      const place = from + at;
      const row = pages.get(Math.floor(place / PAGE))?.[place % PAGE];
      if (!row && lacking === null) lacking = Math.floor(place / PAGE);
      const made = make("div", { role: "row", id: `${root.id}-${place}`, "aria-rowindex": place + 2, class: place === active ? "da-active" : "", "aria-selected": place === active ? "true" : "false" });
      made.append(...(row ? columns.map((column) => cell(row, column)) : columns.map((column, first) => make("div", { role: "gridcell", class: `da-c-${column}` }, first ? "" : "..."))));
      made.addEventListener("click", () => { active = place; draw(); });
      return made;
    });
    rows.replaceChildren(...drawn);
    set(root, "aria-rowcount", total + 1);
    set(root, "aria-activedescendant", shown && active >= from && active < from + shown ? `${root.id}-${active}` : null);
    if (lacking !== null) fetchPage(lacking);
  }
  viewport.addEventListener("scroll", draw, { passive: true });
  root.addEventListener("keydown", (event) => {
    if (event.target !== root) return;
    const moves = { ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + visible(), PageUp: active - visible(), Home: 0, End: total - 1 };
    if (event.key in moves) {
      event.preventDefault();
      active = Math.max(0, Math.min(total - 1, moves[event.key]));
      const from = firstRow();
      if (active < from) scrollToRow(active);
      else if (active >= from + visible()) scrollToRow(active - visible() + 1);
      draw();
    } else if (event.key === "Enter") {
      const row = pages.get(Math.floor(active / PAGE))?.[active % PAGE];
      if (row?.resource) open(row);
    }
  });
  const observer = new ResizeObserver(() => draw());
  observer.observe(viewport);
  return {
    root,
    heads,
    update(selected) {
      total = selected;
      told = false;
      renew();
      if (!total) tell();
    },
    stop: () => observer.disconnect(),
  };
}

// The timeline of the explorer: activity by outcome, with a brush for the mouse, the keyboard and two text fields.

const OUTCOMES = ["completed", "errored", "open", "unclear"];
const HEIGHT = 96;
const WIDTHS = { 60: "a minute", 600: "ten minutes", 3600: "an hour", 21600: "six hours", 86400: "a day", 604800: "a week", 2419200: "four weeks", 31449600: "52 weeks" };

function makeTimeline(change, zoom) {
  const paths = OUTCOMES.map((outcome) => make("svg:path", { class: `da-${outcome}` }));
  const shades = [make("svg:rect", { class: "da-outside", y: 0, height: HEIGHT }), make("svg:rect", { class: "da-outside", y: 0, height: HEIGHT })];
  const handles = ["Beginning of the window", "End of the window"].map((label) =>
    make("svg:g", { class: "da-handle", role: "slider", tabindex: 0, "aria-label": label }, make("svg:rect", { width: 8, height: HEIGHT, x: -4 }), make("svg:line", { y2: HEIGHT })));
  const ticks = make("svg:g", { class: "da-ticks", "aria-hidden": "true" });
  const bars = make("svg:g", { role: "img" }, ...paths);
  const svg = make("svg:svg", { height: HEIGHT + 18, class: "da-timeline" }, bars, ...shades, ticks, ...handles);
  const fields = ["since", "until"].map((name) =>
    make("input", { type: "text", name, size: 20, placeholder: name === "since" ? "2026-06-01, or 30d" : "2026-07-01", "aria-label": name === "since" ? "From, in UTC" : "Until, in UTC", autocomplete: "off", spellcheck: "false" }));
  const caption = make("span", { class: "da-pale" });
  const zoomIn = make("button", { type: "button", onclick: () => look(true) }, "Zoom in");
  const zoomOut = make("button", { type: "button", onclick: () => look(false) }, "Zoom out");
  const legend = make("span", { class: "da-legend", "aria-hidden": "true" }, ...OUTCOMES.flatMap((name) => [make("i", { class: `da-${name}` }), `${name} `]));
  const root = make("section", { class: "da-time", "aria-label": "Activity over time" },
    make("div", { class: "da-row" }, make("h4", {}, "Activity"), legend, make("span", { class: "da-fields" }, make("label", {}, "From ", fields[0]), make("label", {}, "until ", fields[1]), make("span", { class: "da-pale" }, "UTC"))), svg, make("div", { class: "da-row" }, caption, zoomIn, zoomOut));
  let bins = [];
  let zoomed = false;
  let [first, width] = [0, 1];
  let edges = [0, 0]; // of the window, as numbers of bins
  let dragged = null;
  let pending = null;

  const across = () => Math.max(200, svg.clientWidth || 800);
  const place = (edge) => (bins.length ? (edge / bins.length) * across() : 0);
  const written = (edge) => (width >= 86400 ? dayOf(first + edge * width) : momentOf(first + edge * width));

  function look(closer) {
    settle(true);
    zoom(closer);
  }
  function commit([from, to]) {
    // The first bin and the last are open ends, unless there is more to both sides of them.
    change({ since: from > 0 || zoomed ? written(from) : null, until: to < bins.length || zoomed ? written(to) : null });
  }
  // What was chosen by keys a moment ago is taken now, or dropped.
  function settle(taken) {
    if (pending === null) return;
    clearTimeout(pending);
    pending = null;
    if (taken) commit(edges.map(Math.round));
  }
  function drawWindow() {
    const [from, to] = edges.map(place);
    set(shades[0], "x", 0);
    set(shades[0], "width", Math.max(0, from));
    set(shades[1], "x", to);
    set(shades[1], "width", Math.max(0, across() - to));
    handles.forEach((handle, side) => {
      set(handle, "transform", `translate(${[from, to][side]} 0)`);
      set(handle, "aria-valuemin", side ? 1 : 0);
      set(handle, "aria-valuemax", side ? bins.length : Math.max(0, bins.length - 1));
      set(handle, "aria-valuenow", Math.round(edges[side]));
      set(handle, "aria-valuetext", `${written(Math.round(edges[side]))} UTC`);
    });
  }
  function draw() {
    const largest = Math.max(1, ...bins.map((counts) => counts.reduce((sum, each) => sum + each, 0)));
    const step = bins.length ? across() / bins.length : 0;
    const under = bins.map(() => 0);
    paths.forEach((path, outcome) => {
      const parts = bins.map((counts, at) => {
        if (!counts[outcome]) return "";
        const [low, high] = [under[at], under[at] + counts[outcome]];
        under[at] = high;
        // A few failures among thousands are to be seen, too: no part is less than two pixels high.
        const [top, tall] = [HEIGHT - (high / largest) * (HEIGHT - 6), Math.max(2, ((high - low) / largest) * (HEIGHT - 6))];
        return `M${(at * step).toFixed(1)} ${(top).toFixed(1)}h${Math.max(1, step - 1).toFixed(1)}v${tall.toFixed(1)}h${(-Math.max(1, step - 1)).toFixed(1)}z`;
      });
      set(path, "d", parts.join(""));
    });
    const number_of_ticks = Math.max(2, Math.min(6, Math.floor(across() / 130)));
    ticks.replaceChildren(...(bins.length ? Array.from({ length: number_of_ticks }, (_, at) => {
      const edge = Math.floor((at * bins.length) / number_of_ticks);
      return make("svg:text", { x: place(edge) + 2, y: HEIGHT + 14 }, width >= 86400 ? dayOf(first + edge * width) : momentOf(first + edge * width).slice(5, 16).replace("T", " "));
    }) : []));
    drawWindow();
  }
  function edgeAt(event) {
    const box = svg.getBoundingClientRect();
    return Math.max(0, Math.min(bins.length, ((event.clientX - box.left) / box.width) * bins.length));
  }
  svg.addEventListener("pointerdown", (event) => {
    if (!bins.length || event.button) return;
    const side = handles.findIndex((handle) => handle.contains(event.target));
    dragged = { side, from: edgeAt(event) };
    svg.setPointerCapture(event.pointerId);
    if (side >= 0) handles[side].focus();
    event.preventDefault();
  });
  svg.addEventListener("pointermove", (event) => {
    if (!dragged) return;
    const at = edgeAt(event);
    if (dragged.side === 0) edges = [Math.min(Math.round(at), edges[1] - 1), edges[1]];
    else if (dragged.side === 1) edges = [edges[0], Math.max(Math.round(at), edges[0] + 1)];
    else edges = [Math.floor(Math.min(at, dragged.from)), Math.min(bins.length, Math.floor(Math.max(at, dragged.from)) + 1)];
    drawWindow();
  });
  svg.addEventListener("pointerup", (event) => {
    if (!dragged) return;
    const at = Math.min(bins.length - 1, Math.floor(edgeAt(event)));
    if (dragged.side < 0 && Math.floor(dragged.from) === at) edges = [at, at + 1];
    dragged = null;
    drawWindow();
    commit(edges);
  });
  svg.addEventListener("pointercancel", () => { dragged = null; });
  handles.forEach((handle, side) => handle.addEventListener("keydown", (event) => {
    const far = Math.max(1, Math.round(bins.length / 10));
    const now = Math.round(edges[side]);
    const moves = { ArrowLeft: now - 1, ArrowDown: now - 1, ArrowRight: now + 1, ArrowUp: now + 1, PageDown: now - far, PageUp: now + far, Home: 0, End: bins.length };
    if (!(event.key in moves) || !bins.length) return;
    event.preventDefault();
    const bounds = side ? [Math.floor(edges[0]) + 1, bins.length] : [0, Math.ceil(edges[1]) - 1];
    edges[side] = Math.max(bounds[0], Math.min(bounds[1], moves[event.key]));
    drawWindow();
    clearTimeout(pending);
    pending = setTimeout(() => settle(true), 150);
  }));
  // A time without a zone is meant in UTC, as the fields say.
  const zoned = (text) => (/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?$/.test(text) ? `${text.replace(" ", "T")}Z` : text);
  for (const field of fields) field.addEventListener("change", () => change({ [field.name]: zoned(field.value.trim()) || null }));

  function update(answer) {
    const told = answer.timeline;
    if (told.first_s !== first || told.width_s !== width || told.bins.length !== bins.length) settle(false);
    ({ bins, first_s: first, width_s: width, is_zoomed: zoomed } = told);
    const [since, until] = answer.window;
    zoomIn.disabled = since === null && until === null;
    zoomOut.disabled = !zoomed;
    const inBins = (second) => Math.max(0, Math.min(bins.length, (second - first) / width));
    // What is being chosen at this moment outlasts an answer to what was chosen before.
    if (!dragged && pending === null) edges = [since === null ? 0 : inBins(since), until === null ? bins.length : inBins(until)];
    fields.forEach((field) => {
      if (document.activeElement !== field) field.value = answer.selection[field.name] ?? "";
      set(field, "aria-invalid", null);
    });
    say(caption, bins.length ? `Each bar is ${WIDTHS[width]}. Drag to choose, or move an end with the arrow keys.` : "No action has a start.");
    const total = bins.reduce((sum, counts) => sum + counts[1], 0);
    set(bars, "aria-label", bins.length ? `Actions started in bars of ${WIDTHS[width]} from ${written(0)} to ${written(bins.length)}; ${number(total)} errored` : "No action has a start");
    draw();
  }
  function refuse() {
    fields.forEach((field) => set(field, "aria-invalid", document.activeElement === field ? "true" : null));
  }
  const observer = new ResizeObserver(() => draw());
  observer.observe(svg);
  return { root, update, refuse, settle, stop: () => observer.disconnect() };
}

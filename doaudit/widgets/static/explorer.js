// The explorer: what a person chooses becomes a selection, the kernel answers, and the answer is drawn.

function makeResource(asker, only, closed) {
  const heading = make("h4", { tabindex: -1 });
  const strip = make("svg:svg", { class: "da-history", viewBox: "0 0 1000 26", preserveAspectRatio: "none", "aria-hidden": "true" });
  const ends = make("p", { class: "da-pale da-ends" }, make("span"), make("span"));
  const body = make("tbody");
  const rest = make("p", { class: "da-pale" });
  const choose = make("button", { type: "button" }, "Select only this resource");
  const root = make("section", { class: "da-resource", "aria-label": "Timeline of a resource", hidden: true },
    make("div", { class: "da-row" }, heading, choose, make("button", { type: "button", onclick: () => close() }, "Close")),
    strip, ends,
    make("div", { class: "da-scroll", tabindex: 0, role: "region", "aria-label": "Its actions" }, make("table", {}, make("thead", {}, make("tr", {}, ...["Started (UTC)", "Type", "Outcome", "Took", "Action"].map((each) => make("th", { scope: "col" }, each)))), body)), rest);
  let shown = null;

  choose.addEventListener("click", () => only(shown));
  root.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
  function close() {
    const hadFocus = root.contains(document.activeElement);
    root.hidden = true;
    if (hadFocus) closed();
  }
  function draw(answer, focus) {
    const rows = answer.rows ?? [];
    shown = rows[0] ?? null;
    if (!shown) return;
    say(heading, `${shown.resource_name ?? shown.resource}${shown.resource_name ? ` (${shown.resource})` : ""}: ${number(answer.total)} ${answer.total === 1 ? "action" : "actions"}`);
    const timed = rows.filter((row) => row.started_s !== null);
    const [first, last] = [timed.at(-1)?.started_s ?? 0, timed[0]?.started_s ?? 0];
    const x = (second) => 4 + (992 * (second - first)) / Math.max(1, last - first);
    strip.replaceChildren(...timed.map((row) => make("svg:rect", { class: `da-${row.outcome}`, x: x(row.started_s) - 1.5, y: 2, width: 3, height: 22 })));
    say(ends.firstChild, timed.at(-1)?.started_at ?? "");
    say(ends.lastChild, timed[0]?.started_at ?? "");
    body.replaceChildren(...rows.map((row) => make("tr", {}, make("td", {}, row.started_at ?? "-"), make("td", {}, row.type ?? "-"),
      make("td", {}, make("span", { class: `da-dot da-${row.outcome}`, "aria-hidden": "true" }), row.outcome), make("td", { class: "da-right" }, row.duration_s ?? "-"), make("td", {}, row.id))));
    say(rest, answer.total > rows.length ? `The newest ${number(rows.length)} are listed.` : "");
    root.hidden = false;
    if (focus) heading.focus();
  }
  return {
    root,
    open(row, focus = true) {
      asker.ask("resource", { resource: row.resource, account: row.account ?? null }, (answer) => draw(answer, focus));
    },
  };
}

function makeFindings() {
  const list = make("ul", { tabindex: 0, "aria-label": "Findings of the selection" });
  const root = make("section", { class: "da-findings", "aria-label": "Findings" }, make("h4", {}, "Findings"), list);
  return {
    root,
    wait: () => set(root, "aria-busy", "true"),
    update(found) {
      set(root, "aria-busy", null);
      list.replaceChildren(...found.map(([severity, , sentence]) => make("li", {}, make("b", { class: `da-chip-${severity.replace(" ", "-")}` }, severity), ` ${sentence}`)));
    },
  };
}

// A line of code and the button that copies it.
function makeLine(label, root) {
  const code = make("code", { "data-line": label });
  const button = make("button", { type: "button", "data-copy": label }, `Copy ${label}`);
  button.addEventListener("click", async () => {
    say(button, (await copyText(code.textContent, root())) ? "Copied" : "Select it and press Ctrl+C");
    setTimeout(() => say(button, `Copy ${label}`), 2000);
  });
  return { code, button };
}

function makeCsv(asker, getCount) {
  const button = make("button", { type: "button", class: "da-csv" }, "Download CSV");
  const state = { under: false };
  function end(text) {
    state.under = false;
    say(button, text ?? "Download CSV");
  }
  function fetchPiece(parts, offset) {
    asker.ask("csv", { offset }, (answer, buffers) => {
      if (!state.under) return;
      // The selection was changed meanwhile, here or in another view: half of one file and half of another is none.
      if (!buffers?.length || (state.total !== null && state.total !== answer.selected) || state.key !== answer.key && state.key !== null) return end("Changed meanwhile: download again");
      [state.total, state.key] = [answer.selected, answer.key];
      const next = offset + answer.rows;
      const all = [...parts, ...buffers];
      if (next >= answer.selected) {
        download(all, "actions.csv");
        return end();
      }
      say(button, `${Math.floor((100 * next) / answer.selected)} %: click to cancel`);
      return fetchPiece(all, next);
    });
  }
  button.addEventListener("click", () => {
    if (state.under) return end();
    Object.assign(state, { under: true, total: null, key: null });
    say(button, "0 %: click to cancel");
    return fetchPiece([], 0);
  });
  return button;
}

function render({ model, el }) {
  const root = make("div", { class: "da-panel da-explorer", role: "region", "aria-label": "Explorer of actions" });
  keepKeys(root);
  let selection = {};
  let names = {};
  const alert = make("div", { role: "alert", class: "da-alert", hidden: true });
  const slow = make("span", { class: "da-pale da-slow", hidden: true }, "Waiting for the kernel, which is busy ...");
  function warn(text) {
    say(alert, text);
    alert.hidden = !text;
  }
  const lost = () => {
    root.classList.add("da-lost");
    warn("No longer live: the kernel behind this panel has ended. Run the cell again.");
  };
  const asker = makeAsker(model, lost, (is) => { slow.hidden = !is; });

  // Each wish replaces the one before it; what it does not name stays as it is.
  const change = (wanted) => {
    timeline.settle(true);
    const next = { ...selection, ...wanted };
    for (const [name, value] of Object.entries(next)) if (value === null || (Array.isArray(value) && !value.length)) delete next[name];
    replace(next);
  };
  const replace = (next) => {
    selection = next;
    if (!("since" in selection) && !("until" in selection)) delete selection.overlapping;
    findings.wait();
    look();
  };
  // A wish to zoom is part of every question until there is an answer, since a newer question replaces one that waits.
  let zoom = null;
  const look = () => asker.ask("look", { selection, ...(zoom === null ? {} : { zoom }) }, () => { zoom = null; });
  const toggle = (name, value) => {
    const now = selection[name] ?? [];
    change({ [name]: now.includes(value) ? now.filter((each) => each !== value) : [...now, value] });
  };

  const status = make("p", { role: "status", class: "da-status" });
  const facets = {};
  const side = make("div", { class: "da-side" });
  const search = makeSearch(asker, (key) => {
    change({ resource: [...new Set([...(selection.resource ?? []), key])] });
    resource.open({ resource: key }, false);
  });
  const text = make("input", { type: "search", placeholder: "Text in type, name, region, id", "aria-label": "Text in type, resource, region or id", autocomplete: "off", spellcheck: "false" });
  let typing = null;
  text.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => {
      typing = null;
      change({ text: text.value.trim() ? text.value : null });
    }, 200);
  });
  const chips = makeChips((next) => {
    timeline.settle(false);
    clearTimeout(typing);
    typing = null;
    replace(next);
  });
  const timeline = makeTimeline(change, (closer) => {
    zoom = closer;
    look();
  });
  const findings = makeFindings();
  const durations = makeChart("How long they take", ["Type", "Median to p90", "Median", "p90", "Completed"], "Of completed actions, on a logarithmic axis; the thick mark is the median.");
  const rates = makeChart("How many fail", ["Type", "95 % interval", "Share", "Errored"], "Of finished actions, the worst first, by counts alone; the intervals are wider where failures come on the same days.");
  const resource = makeResource(asker, (row) => replace({ ...(row.account ? { account: [row.account] } : {}), resource: [row.resource] }), () => grid?.root.focus());
  const [line, report] = [makeLine("code", () => root), makeLine("report", () => root)];
  const csv = makeCsv(asker);
  let grid = null;
  const gridPlace = make("div");

  root.append(
    make("div", { class: "da-row da-top" }, search.root, text, slow),
    alert, make("div", { class: "da-row" }, status, chips.root),
    make("div", { class: "da-columns" }, side,
      make("div", { class: "da-main" }, timeline.root, findings.root, make("div", { class: "da-charts" }, durations.root, rates.root))),
    resource.root, gridPlace,
    make("div", { class: "da-row da-code" }, line.code, line.button, csv), make("div", { class: "da-row da-code" }, report.code, report.button));

  function update(answer) {
    ({ selection, names } = answer);
    const { outcomes } = answer;
    say(status, `${number(answer.selected)} of ${number(answer.total)} actions: ${number(outcomes.completed)} completed, ${number(outcomes.errored)} errored, ${number(outcomes.open)} open`);
    for (const [name, values] of Object.entries(answer.facets)) {
      if (!facets[name]) {
        facets[name] = makeFacet(name, toggle);
        side.append(facets[name].root);
      }
      facets[name].update(values, selection[name] ?? []);
    }
    if (typing === null && root.getRootNode().activeElement !== text) text.value = selection.text ?? "";
    chips.update(selection, names);
    timeline.update(answer);
    const longest = Math.max(...answer.durations.map((row) => row.p90_s.s ?? row.p50_s.s ?? 0));
    durations.update(answer.durations, (row) => drawDuration(row, longest), answer.types, (type) => change({ type: [type] }), outcomes.completed ? "" : "No completed action is selected.");
    const highest = Math.max(0.0001, ...answer.failure_rates.map((row) => row.high ?? 0));
    rates.update(answer.failure_rates, (row) => drawRate(row, highest), answer.types, (type) => change({ type: [type] }),
      selection.outcome || selection.status ? "Outcomes are chosen: these are shares of that choice, and do not say how many fail." : "");
    if (answer.code !== line.code.textContent) findings.wait();
    say(line.code, answer.code);
    say(report.code, answer.report_code);
    if (!grid) {
      grid = makeGrid(asker, answer.columns, (row) => resource.open(row), () => asker.ask("findings", {}));
      gridPlace.append(grid.root);
    }
    grid.update(answer.selected);
  }
  const hear = (answer, buffers) => {
    if (answer.kind === "fault") {
      if (answer.view === asker.view) {
        warn(answer.text);
        timeline.refuse();
        asker.take(answer);
        if (answer.of === "look") asker.ask("look", {});
      }
    } else if (answer.kind === "look") {
      if (answer.view === asker.view && (!answer.is_current || root.classList.contains("da-lost"))) warn("");
      root.classList.remove("da-lost");
      asker.take(answer);
      if (!asker.isWaiting("look")) update(answer);
    } else if (answer.kind === "findings") {
      asker.take(answer);
      if (answer.found && answer.code === line.code.textContent) findings.update(answer.found);
    } else asker.take(answer, buffers);
  };
  // When the kernel has ended or is back, a question shows which it is.
  const check = () => asker.ask("look", {});
  model.on("msg:custom", hear);
  model.on("comm_live_update", check);
  el.append(make("style", {}, `.${model.get("fallback_class")} { display: none; }`), root);
  asker.ask("look", {});
  return () => {
    model.off("msg:custom", hear);
    model.off("comm_live_update", check);
    asker.stop();
    timeline.stop();
    grid?.stop();
  };
}

export default { render };

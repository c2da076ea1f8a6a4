// The table of droplets: search, order, a filter for those without a backup, and the choice of one or several.

const DROPLET_COLUMNS = { name: "Name", region: "Region", status: "Status", size: "Size", age_s: "Last snapshot or backup taken" };

function makeDroplets(changed, showPlan) {
  const search = make("input", { type: "search", placeholder: "Find: web fra", "aria-label": "Find droplets by words", autocomplete: "off", spellcheck: "false", class: "da-find" });
  const old = make("input", { type: "checkbox", id: freshId() });
  const body = make("tbody");
  const heads = Object.entries(DROPLET_COLUMNS).map(([name, label]) =>
    make("th", { scope: "col", "data-column": name, "aria-sort": "none" }, make("button", { type: "button", onclick: () => sortBy(name) }, label, make("span", { class: "da-arrow", "aria-hidden": "true" }))));
  const all = make("input", { type: "checkbox", "aria-label": "Choose all that are shown" });
  const table = make("table", { "aria-label": "Droplets" }, make("thead", {}, make("tr", { class: "da-head" }, make("td", {}, all), ...heads)), body);
  const scroll = make("div", { class: "da-droplets" }, table);
  const none = make("p", { class: "da-pale", role: "status" });
  const root = make("div", {}, make("div", { class: "da-row" }, search, make("label", { for: old.id }, old, " none for 7 days")), scroll, none);
  const rows = new Map();
  const chosen = new Set();
  let droplets = [];
  let [sort, down] = ["name", false];
  let typed = "";
  let typedAt = 0;

  const boxes = () => [...body.querySelectorAll("input")];
  function sortBy(name) {
    [sort, down] = [name, sort === name ? !down : name === "age_s"];
    draw();
  }
  function makeRow(id) {
    const box = make("input", { type: "checkbox", tabindex: -1 });
    const cells = Object.fromEntries(["name", "region", "status", "size", "last"].map((name) => [name, make("td")]));
    const row = make("tr", {}, make("td", {}, box), ...Object.values(cells));
    box.addEventListener("change", () => {
      if (box.checked) chosen.add(id);
      else chosen.delete(id);
      draw();
      changed();
    });
    row.addEventListener("click", (event) => {
      if (event.target !== box) box.click();
      box.focus();
    });
    return { row, box, cells };
  }
  // Keys in the list: arrows move, Space chooses, Enter takes this one alone to its plan, letters find by name.
  body.addEventListener("keydown", (event) => {
    roving(body, boxes, event);
    const at = boxes().indexOf(document.activeElement);
    if (at < 0) return;
    if (event.key === "Enter") {
      event.preventDefault();
      chosen.clear();
      chosen.add(Number(document.activeElement.dataset.id));
      draw();
      changed();
      showPlan();
    } else if (event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      typed = Date.now() - typedAt > 1000 ? event.key : typed + event.key;
      typedAt = Date.now();
      const found = boxes().find((box) => box.dataset.name.startsWith(typed.toLowerCase()));
      found?.focus();
    }
  });
  search.addEventListener("input", draw);
  old.addEventListener("change", draw);
  all.addEventListener("change", () => {
    for (const { id } of visible()) {
      if (all.checked) chosen.add(id);
      else chosen.delete(id);
    }
    draw();
    changed();
  });
  function visible() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = droplets.filter((row) => (!old.checked || row.is_old) && words.every((word) => row.searched.includes(word)));
    // A droplet of which nothing was taken is the oldest there is.
    const rank = (row) => (sort === "age_s" ? (row.age_s ?? Infinity) : row[sort].toLowerCase());
    return found.sort((one, other) => (rank(one) < rank(other) ? -1 : Number(rank(one) > rank(other))) * (down ? -1 : 1));
  }
  function draw() {
    heads.forEach((head) => {
      const is = head.dataset.column === sort;
      set(head, "aria-sort", is ? (down ? "descending" : "ascending") : "none");
      say(head.querySelector(".da-arrow"), is ? (down ? " ▼" : " ▲") : "");
    });
    const shown = visible();
    const focused = document.activeElement?.dataset?.id;
    const nodes = shown.map((told) => {
      if (!rows.has(told.id)) rows.set(told.id, makeRow(told.id));
      const { row, box, cells } = rows.get(told.id);
      box.checked = chosen.has(told.id);
      Object.assign(box.dataset, { id: told.id, name: told.name.toLowerCase() });
      set(box, "aria-label", `${told.name}, ${told.region}, ${told.status}, ${told.last}`);
      for (const [name, cell] of Object.entries(cells)) say(cell, told[name]);
      set(cells.last, "class", told.is_old ? "da-old" : "");
      set(row, "class", chosen.has(told.id) ? "da-active" : "");
      return row;
    });
    arrange(body, nodes);
    const all_boxes = boxes();
    const current = all_boxes.find((box) => box.dataset.id === focused) ?? all_boxes[0];
    for (const box of all_boxes) set(box, "tabindex", box === current ? 0 : -1);
    all.checked = shown.length > 0 && shown.every((row) => chosen.has(row.id));
    say(none, !droplets.length ? "There is no droplet here." : !shown.length ? "No droplet fits. Change the words, or the box." : `${number(shown.length)} of ${number(droplets.length)} droplets shown, ${number(chosen.size)} chosen`);
    scroll.hidden = !shown.length;
  }
  return {
    root,
    update(told) {
      droplets = told;
      for (const id of [...chosen]) if (!droplets.some((row) => row.id === id)) chosen.delete(id);
      draw();
    },
    chosen: () => droplets.filter((row) => chosen.has(row.id)).map((row) => row.id),
    clear() {
      chosen.clear();
      draw();
    },
  };
}

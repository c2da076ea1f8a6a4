// Filters of the explorer: facets, the search for a resource, free text, and chips of what is chosen.

const FACET_NAMES = { account: "Account", type: "Type", outcome: "Outcome", region: "Region", resource_type: "Kind of resource" };
const CONDITION_NAMES = { ...FACET_NAMES, since: "From", until: "Until", status: "Status", resource: "Resource", text: "Text", overlapping: "Running in the window" };
const worded = (value) => (value === null ? "(none)" : value);

function makeFacet(name, choose) {
  const heading = make("h4", { id: freshId() }, FACET_NAMES[name]);
  const list = make("ul", { role: "listbox", "aria-multiselectable": "true", "aria-labelledby": heading.id, "data-facet": name });
  const items = new Map();
  const root = make("div", { class: "da-facet" }, heading, list);

  list.addEventListener("keydown", (event) => {
    roving(list, () => [...list.children], event);
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    document.activeElement.click();
  });

  function item(value, text) {
    const bar = make("span", { class: "da-bar", "aria-hidden": "true" });
    const label = make("span", { class: "da-name" }, text);
    const count = make("span", { class: "da-count", id: freshId() });
    const option = make("li", { role: "option", tabindex: -1, title: text, "aria-label": text, "aria-describedby": count.id, onclick: () => choose(name, value) }, bar, label, count);
    return { option, bar, count };
  }

  function update(values, chosen) {
    const largest = Math.max(1, ...values.map(([, , found]) => found));
    for (const [value, text, found] of values) {
      if (!items.has(value)) {
        items.set(value, item(value, text));
        list.append(items.get(value).option);
      }
      const each = items.get(value);
      set(each.option, "aria-selected", chosen.includes(value) ? "true" : "false");
      set(each.option, "class", found ? "" : "da-none");
      each.bar.style.width = `${(100 * found) / largest}%`;
      say(each.count, number(found));
    }
    if (!list.querySelector('[tabindex="0"]') && list.firstChild) set(list.firstChild, "tabindex", 0);
  }
  return { root, update };
}

// A combobox: what is typed is looked for in names and ids; arrows choose, Enter takes, Escape closes.
function makeSearch(asker, take) {
  const list = make("ul", { role: "listbox", id: freshId(), class: "da-found", "aria-label": "Resources found", hidden: true });
  const input = make("input", { type: "text", role: "combobox", placeholder: "Find a resource", "aria-label": "Find a resource by name or id", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id, autocomplete: "off", spellcheck: "false" });
  let found = [];
  let at = -1;

  function draw() {
    set(input, "aria-expanded", found.length || input.value.trim() ? String(!list.hidden) : "false");
    [...list.children].forEach((each, place) => set(each, "aria-selected", place === at ? "true" : "false"));
    set(input, "aria-activedescendant", at >= 0 ? list.children[at].id : null);
    list.children[at]?.scrollIntoView({ block: "nearest" });
  }
  function close() {
    list.hidden = true;
    [found, at] = [[], -1];
    draw();
  }
  function choose(place) {
    const [key] = found[place];
    input.value = "";
    close();
    take(key);
  }
  function show(answer) {
    if (!input.value.trim()) return;
    [found, at] = [answer.found, answer.found.length ? 0 : -1];
    const rows = found.map(([key, name, count], place) =>
      make("li", { role: "option", id: freshId(), onmousedown: (event) => event.preventDefault(), onclick: () => choose(place) },
        make("b", {}, name ?? key), name ? ` ${key}` : "", make("span", { class: "da-count" }, number(count))));
    list.replaceChildren(...(rows.length ? rows : [make("li", { role: "option", "aria-disabled": "true", class: "da-none" }, "No resource has that in its name or id.")]));
    list.hidden = false;
    draw();
  }
  input.addEventListener("input", () => {
    if (input.value.trim()) asker.ask("find", { text: input.value.slice(0, 200) }, show);
    else close();
  });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps && found.length) {
      event.preventDefault();
      at = (at + steps[event.key] + found.length) % found.length;
      draw();
    } else if (event.key === "Enter" && at >= 0) choose(at);
    else if (event.key === "Escape") close();
  });
  return { root: make("div", { class: "da-search" }, input, list), input };
}

function makeChips(change) {
  const root = make("div", { class: "da-chips", role: "group", "aria-label": "What is chosen" });
  const clear = make("button", { type: "button", onclick: () => change({}) }, "Clear all");

  function update(selection, names) {
    const chips = Object.entries(selection).map(([name, value]) => {
      const values = Array.isArray(value) ? value : [value === true ? "yes" : value];
      const shown = values.slice(0, 3).map((each) => names[each] ?? worded(each)).join(", ") + (values.length > 3 ? ` and ${values.length - 3} more` : "");
      const rest = Object.fromEntries(Object.entries(selection).filter(([other]) => other !== name));
      if (!("since" in rest) && !("until" in rest)) delete rest.overlapping;
      return make("button", { type: "button", class: "da-chip", "data-condition": name, "aria-label": `Remove ${CONDITION_NAMES[name]}: ${shown}`, onclick: () => change(rest) },
        make("span", { class: "da-pale" }, `${CONDITION_NAMES[name]} `), shown, make("span", { "aria-hidden": "true" }, " ×"));
    });
    const hadFocus = root.contains(document.activeElement);
    root.replaceChildren(...(chips.length ? [...chips, clear] : [make("span", { class: "da-pale" }, "Everything is shown. Choose values on the left, drag over the timeline, or search.")]));
    if (hadFocus) (root.querySelector("button") ?? root.closest(".da-explorer").querySelector("[role=combobox]")).focus();
  }
  return { root, update };
}

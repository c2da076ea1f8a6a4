// What every panel stands on: nodes, keys that stay inside, questions with one answer awaited at a time.

const SVG = "http://www.w3.org/2000/svg";

// Make an element. Texts become text nodes, so that nothing from outside is ever read as HTML.
function make(tag, attributes = {}, ...children) {
  const [name, space] = tag.startsWith("svg:") ? [tag.slice(4), SVG] : [tag, null];
  const made = space ? document.createElementNS(space, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else set(made, key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// Set an attribute, or take it away; nothing is touched that has the value already.
function set(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value === true ? "" : value);
}

function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Let an element have these children. Those that stay are not moved more than needed, so that the focus stays, too.
function arrange(parent, nodes) {
  const wanted = new Set(nodes);
  for (const node of [...parent.children]) if (!wanted.has(node)) node.remove();
  nodes.forEach((node, at) => { if (parent.children[at] !== node) parent.insertBefore(node, parent.children[at] ?? null); });
}

const number = (value) => value.toLocaleString("en-US");

let lastId = 0;
const freshId = () => `doaudit-${Date.now().toString(36)}-${(lastId += 1)}`;

// Keep keys inside: in JupyterLab's command mode "d d" deletes the cell that a panel is in. Ctrl and Cmd go through.
function keepKeys(root) {
  for (const kind of ["keydown", "keypress", "keyup"]) {
    root.addEventListener(kind, (event) => {
      if (!event.ctrlKey && !event.metaKey) event.stopPropagation();
    });
  }
}

// How often a panel that shows what goes on asks whether its kernel is there: one that was shut down says nothing.
const PULSE_MS = 3000;

// Move the focus among nodes by arrow keys; one of them at a time can be reached with Tab.
function roving(list, items, event) {
  const shown = items();
  const at = shown.indexOf(document.activeElement);
  const steps = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: shown.length - 1 };
  if (!(event.key in steps) || at < 0) return;
  event.preventDefault();
  const next = shown[Math.max(0, Math.min(shown.length - 1, steps[event.key]))];
  for (const each of shown) set(each, "tabindex", each === next ? 0 : -1);
  next.focus();
}

// Ask the kernel. Of each kind one question is under way, and of those asked meanwhile only the newest is asked then.
function makeAsker(model, onLost, onSlow) {
  const view = freshId();
  const waiting = new Map();
  const under = new Map();
  let asked = 0;
  const timer = setInterval(() => {
    const oldest = Math.min(...[...under.values()].map((each) => each.at));
    onSlow(Number.isFinite(oldest) && Date.now() - oldest > 1500);
  }, 500);

  function send(kind, question, then) {
    asked += 1;
    under.set(kind, { number: asked, at: Date.now(), then });
    try {
      model.send({ ...question, kind, view, number: asked });
    } catch {
      under.clear();
      waiting.clear();
      onLost();
    }
  }
  return {
    view,
    ask(kind, question, then) {
      if (under.has(kind)) waiting.set(kind, [question, then]);
      else send(kind, question, then);
    },
    // Take an answer of this view's: hand it on, unless a newer question of its kind waits, which is asked instead.
    take(answer, buffers) {
      if (answer.view !== view) return;
      for (const [kind, each] of under) {
        if (each.number !== answer.number) continue;
        under.delete(kind);
        const next = waiting.get(kind);
        waiting.delete(kind);
        if (next) send(kind, ...next);
        else each.then?.(answer, buffers);
      }
    },
    isWaiting: (kind) => under.has(kind),
    stop() {
      clearInterval(timer);
    },
  };
}

// Copy a text, also where the page may not use the clipboard by itself.
async function copyText(text, root) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const box = make("textarea", { class: "da-copied", "aria-hidden": "true" });
    box.value = text;
    root.append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    return done;
  }
}

function download(parts, name) {
  const address = URL.createObjectURL(new Blob(parts, { type: "text/csv" }));
  const link = make("a", { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}

// A moment as text in UTC: a day, or to the second.
const dayOf = (second) => new Date(second * 1000).toISOString().slice(0, 10);
const momentOf = (second) => `${new Date(second * 1000).toISOString().slice(0, 19)}Z`;

// The snapshot panel: the kernel says what the state is, and it is drawn; a click asks for something, and nothing else happens.

function drawSteps(list, steps) {
  list.replaceChildren(...steps.map((step) => make("li", { class: `da-step-${step.status}` },
    make("span", { class: "da-mark", "aria-label": step.status, role: "img" }, step.mark), make("span", {}, step.sentence), make("span", { class: "da-when" }, step.time))));
}

function makePlan(start) {
  const list = make("div");
  const confirm = make("input", { type: "checkbox", id: freshId(), class: "da-confirm" });
  const sentence = make("label", { for: confirm.id });
  const atOnce = make("input", { type: "number", min: 1, max: 20, value: 1, "aria-label": "How many at once", class: "da-at-once" });
  const keepGoing = make("input", { type: "checkbox", id: freshId() });
  const many = make("div", { class: "da-row" }, make("label", {}, atOnce, " at once"), make("label", {}, keepGoing, " go on after one has failed"));
  const button = make("button", { type: "button", class: "da-start", disabled: true });
  const heading = make("h4", { tabindex: -1 }, "What will happen");
  const root = make("section", { class: "da-plan", "aria-label": "Plan", hidden: true }, heading, list, many, make("p", {}, confirm, " ", sentence), button);
  let plan = null;
  let shown = "";
  const draw = () => { button.disabled = !plan || !confirm.checked; };
  confirm.addEventListener("change", draw);
  button.addEventListener("click", () => {
    const at_once = Math.max(1, Math.min(20, Math.round(Number(atOnce.value)) || 1));
    start({ plans: plan.items.map((item) => item.id), confirmed: confirm.checked, at_once, keep_going: keepGoing.checked });
  });
  return {
    root,
    focus: () => heading.focus(),
    update(told) {
      plan = told;
      root.hidden = !plan;
      const ids = plan ? plan.items.map((item) => item.id).join() : "";
      // Another plan has to be confirmed anew.
      if (ids !== shown) confirm.checked = false;
      shown = ids;
      if (plan) {
        many.hidden = plan.items.length < 2;
        list.replaceChildren(...plan.items.map((item) => {
          const steps = make("ol", { class: "da-steps" });
          drawSteps(steps, item.steps);
          const power = make("p", { class: item.is_off ? "da-warn" : "" }, item.power);
          return make("details", { open: plan.items.length === 1 }, make("summary", {}, item.title), power, ...item.notes.map((note) => make("p", { class: "da-warn" }, note)), steps, make("p", { class: "da-pale" }, item.existing));
        }));
        // Of several, for how long each is off is seen without opening it.
        if (plan.items.length > 1) list.querySelectorAll("summary").forEach((summary, at) => summary.append(make("span", { class: "da-pale" }, `  ${plan.items[at].power}`)));
        say(sentence, plan.confirmation);
        say(button, plan.button);
      }
      draw();
    },
  };
}

function makeRun(root) {
  const name = make("b");
  const state = make("span", { class: "da-chip" });
  const sentence = make("p");
  const bar = make("div", { class: "da-progress", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100 }, make("div"));
  const text = make("p", { class: "da-pale" });
  const steps = make("ol", { class: "da-steps" });
  const log = make("pre", { tabindex: 0, role: "log", "aria-label": "Log" });
  const save = make("button", { type: "button" }, "Save the log");
  const link = make("a", { target: "_blank", rel: "noopener noreferrer" }, "Look at it at DigitalOcean");
  const folded = make("details", {}, make("summary", {}, "Log (times in UTC)"), log, save);
  const box = make("section", { class: "da-run" }, make("div", { class: "da-row" }, state, name), sentence, bar, text, steps, link, folded);
  save.addEventListener("click", () => download([log.textContent, "\n"], "snapshot-log.txt"));
  return {
    box,
    update(told) {
      say(name, `${told.name}: '${told.snapshot}'`);
      say(state, told.kind);
      set(state, "class", `da-chip da-kind-${told.kind}`);
      set(box, "class", `da-run da-run-${told.kind}`);
      set(box, "aria-label", `Snapshot of ${told.name}`);
      say(sentence, told.sentence);
      bar.firstChild.style.width = `${100 * told.progress.share}%`;
      set(bar, "aria-valuenow", Math.round(100 * told.progress.share));
      set(bar, "aria-valuetext", told.progress.text);
      set(bar, "aria-label", `Snapshot of ${told.name}`);
      bar.hidden = text.hidden = steps.hidden = told.kind === "planned";
      say(text, told.progress.text);
      drawSteps(steps, told.steps);
      say(log, told.log.join("\n"));
      folded.hidden = !told.log.length;
      link.hidden = !told.link;
      set(link, "href", told.link);
    },
  };
}

function makeWork(tell) {
  const status = make("p", { role: "status", class: "da-status" });
  const list = make("div");
  const cancel = make("button", { type: "button", class: "da-cancel", onclick: () => tell("cancel") }, "Cancel and restore the power");
  const again = make("button", { type: "button", class: "da-again", onclick: () => tell("again") }, "Take another snapshot");
  const root = make("section", { class: "da-work", "aria-label": "Snapshots that are taken", hidden: true }, status, make("div", { class: "da-row" }, cancel, again), list);
  const runs = [];
  return {
    root,
    update(work) {
      root.hidden = !work;
      if (!work) return;
      say(status, work.sentence);
      // The box of a single run says the same to those who see it.
      set(status, "class", work.items.length > 1 ? "da-status" : "da-only-read");
      cancel.hidden = !work.is_running;
      cancel.disabled = work.is_stopping;
      again.hidden = work.is_running;
      while (runs.length < work.items.length) {
        runs.push(makeRun(root));
        list.append(runs.at(-1).box);
      }
      while (runs.length > work.items.length) runs.pop().box.remove();
      work.items.forEach((item, at) => runs[at].update(item));
    },
  };
}

function render({ model, el }) {
  const heading = make("h4");
  const alert = make("div", { role: "alert", class: "da-alert", hidden: true });
  const busy = make("p", { role: "status", class: "da-pale da-busy" });
  const left = make("div", { class: "da-left" });
  const name = make("input", { type: "text", placeholder: "the droplet's name and the time", maxlength: 250, "aria-label": "The snapshot's name", class: "da-name-field", autocomplete: "off" });
  const live = make("input", { type: "checkbox", class: "da-live" });
  const reload = make("button", { type: "button", class: "da-reload", onclick: () => tell("read") }, "Read the list again");
  let typing = null;
  let isRunning = false;
  const plan = makePlan((wanted) => tell("start", wanted));
  let wantsFocus = false;
  const droplets = makeDroplets(choose, () => { wantsFocus = true; });
  const work = makeWork(tell);
  const choice = make("div", {}, droplets.root,
    make("div", { class: "da-row" }, make("label", {}, "Snapshot's name ", name), make("label", {}, live, " leave it on (files being written may be caught half-done)"), reload), busy, plan.root);
  const root = make("div", { class: "da-panel da-snapshot", role: "region", "aria-label": "Snapshots of droplets" }, heading, alert, left, choice, work.root);
  keepKeys(root);
  name.addEventListener("input", () => {
    clearTimeout(typing);
    // Until the new plan is there, the old one cannot be started.
    plan.update(null);
    typing = setTimeout(choose, 300);
  });
  live.addEventListener("change", choose);

  function lost() {
    say(alert, "No longer live: the kernel behind this panel has ended. What was started goes on at DigitalOcean; to resume it, open the account and run account.resume().");
    alert.hidden = false;
    root.classList.add("da-lost");
  }
  function tell(kind, more = {}) {
    try {
      model.send({ kind, ...more });
    } catch {
      lost();
    }
  }
  function choose() {
    plan.update(null);
    tell("choose", { droplets: droplets.chosen(), name: name.value, live: live.checked });
  }
  function drawLeft(told) {
    const boxes = told.unfinished.map((run) => make("div", { class: "da-alert" }, make("p", {}, run.text),
      run.can_resume ? make("button", { type: "button", class: "da-resume", onclick: () => tell("resume", { run: run.id }) }, "Resume") : null));
    if (told.queues.length) {
      boxes.push(make("div", { class: "da-alert" }, ...told.queues.map((text) => make("p", {}, text)),
        told.unfinished.length ? make("p", { class: "da-pale" }, "Resume the runs first.") : make("button", { type: "button", class: "da-resume-queue", onclick: () => tell("resume all") }, "Go on with the queue")));
    }
    const text = JSON.stringify([told.unfinished, told.queues]);
    if (left.dataset.told !== text) left.replaceChildren(...boxes);
    left.dataset.told = text;
  }
  function hear(told) {
    if (told.kind !== "state") return;
    root.classList.remove("da-lost");
    say(heading, told.heading);
    say(alert, told.error);
    alert.hidden = !told.error;
    say(busy, told.busy);
    drawLeft(told);
    if (told.work && choice.hidden === false) {
      droplets.clear();
      name.value = "";
      live.checked = false;
    }
    choice.hidden = Boolean(told.work);
    left.hidden = Boolean(told.work);
    reload.disabled = Boolean(told.busy && !told.is_planning);
    droplets.update(told.droplets);
    plan.update(told.work || told.is_planning ? null : told.plan);
    if (told.plan && wantsFocus) {
      wantsFocus = false;
      plan.focus();
    }
    work.update(told.work);
    isRunning = Boolean(told.work?.is_running);
  }
  const look = () => tell("look");
  // A panel whose kernel has ended must not look as if it still watched the snapshot.
  const pulse = setInterval(() => { if (isRunning) look(); }, PULSE_MS);
  model.on("msg:custom", hear);
  model.on("comm_live_update", look);
  el.append(make("style", {}, `.${model.get("fallback_class")} { display: none; }`), root);
  look();
  return () => {
    clearInterval(pulse);
    model.off("msg:custom", hear);
    model.off("comm_live_update", look);
  };
}

export default { render };

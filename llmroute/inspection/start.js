"use strict";
// What a person can change: the client, what is tried, the view and the theme; and the server, where there is one.

function fillControls() {
  $("title").textContent = D.title;
  const set = D.environ.map(([name, value]) => `${name}=${value}`);
  $("summary").textContent = [count(D.agents.length - 1, "agent"), count(D.purposes.length - 1, "purpose"),
    set.length ? `environment: ${set.join(", ")}` : "no variable of the env layer is set",
    ...(D.arguments.length ? [`arguments: ${D.arguments.join(", ")}`] : [])].join(" · ");
  S.client = Math.min(S.client, D.clients.length - 1);
  $("client").replaceChildren(...D.clients.map((name, index) => h("option", { value: index, selected: index === S.client }, name === null ? "any program" : named(name))),
    ...(D.clients_left_out ? [h("option", { disabled: true }, `${D.clients_left_out} more: --client NAME`)] : []));
  $("problems").hidden = !D.problems;
  $("problems").querySelector("pre").textContent = D.problems;
  const names = D.offers.filter(([kind, name]) => D.live || D.changes.some((change) => change[0] === kind && change[1] === name));
  const groups = [["env", "Variable"], ["argument", "Argument of the program"]].map(([kind, label]) => h("optgroup", { label },
    names.filter((offer) => offer[0] === kind).map(([, name]) => h("option", { value: `${kind} ${name}` }, name))));
  $("try-name").replaceChildren(h("option", { value: "" }, "a variable or an argument"), ...groups);
  $("try-known").hidden = D.live;
  $("try-free").hidden = !D.live;
  $("try-apply").hidden = !D.live;
  fillValues();
  document.title = `${D.title} · llmroute`;
}

const asked = () => $("try-name").value.split(" ");
function fillValues() {
  const [kind, name] = asked();
  const values = (D.offers.find((offer) => offer[0] === kind && offer[1] === name) || [, , []])[2];
  const known = values.map((value, index) => ({ value, index })).filter(({ value }) =>
    D.live || D.changes.some((change) => change[0] === kind && change[1] === name && change[2] === value));
  $("try-known").replaceChildren(h("option", { value: "" }, kind ? "choose a value" : "…"),
    ...known.map(({ value, index }) => h("option", { value: index }, value ?? "not set")));
  $("try-values").replaceChildren(...known.filter(({ value }) => value !== null).map(({ value }) => h("option", { value })));
  $("try-free").value = "";
}

const ahead = () => `Computed ahead: ${count(D.changes.length, "single change")}${D.left_out ? ` of ${(D.changes.length + D.left_out).toLocaleString("en")}` : ""}. `
  + "Several at once, or other values: llmroute inspect --serve";

function showTried() {
  $("tried").replaceChildren(...S.tried.map((one, index) => h("li", {}, h("button",
    { type: "button", "aria-label": `Take back ${one.name}`, onclick: () => { S.tried.splice(index, 1); $("try-known").value = ""; apply(); $("try-name").focus(); } },
    `${one.name}${one.value === null ? " not set" : `=${one.value}`} ×`))));
  if (!world) return $("status").replaceChildren(D.live ? "Anything may be tried, several changes at once." : ahead());
  let changed = 0;
  for (const [, kind] of D.agents) for (let purpose = 0; purpose < D.purposes.length; purpose++) changed += isChanged(kind, purpose);
  const all = D.agents.length * D.purposes.length;
  $("status").replaceChildren(h("strong", {}, `${changed.toLocaleString("en")} of ${count(all, "answer")}`), ` ${changed === 1 ? "changes" : "change"}`);
}

function fromAhead({ kind, name, value }) {
  const [, , , column, cells] = D.changes.find((change) => change[0] === kind && change[1] === name && change[2] === value);
  if (column < 0) return cells;
  const all = D.cells.slice();
  cells.forEach((id, index) => { all[index * D.purposes.length + column] = id; });
  return all;
}

async function apply() {
  const problem = S.tried.length && D.live ? await fromServer() : "";
  if (!S.tried.length) world = null;
  else if (!D.live) world = { data: D, cells: fromAhead(S.tried[0]) };
  showTried();
  if (problem) $("status").textContent = problem;
  draw();
  if (S.chosen) showDetail();
}

async function fromServer() {
  const part = (kind) => Object.fromEntries(S.tried.filter((one) => one.kind === kind).map(({ name, value }) => [name, value]));
  try {
    const reply = await fetch("what-if", { method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ environ: part("env"), args: part("argument") }) });
    const found = await reply.json();
    if (!reply.ok) return found.error;
    world = { data: found, cells: found.cells };
    return "";
  } catch {
    return "The server does not answer: is llmroute inspect --serve still running?";
  }
}

function tryOut(value) {
  const [kind, name] = asked();
  if (!kind) return;
  const others = D.live ? S.tried.filter((one) => one.kind !== kind || one.name !== name) : [];
  S.tried = [...others, { kind, name, value }];
  apply();
}

function view(name) {
  $("matrix").hidden = name !== "matrix";
  $("graph").hidden = name !== "graph";
  for (const each of ["matrix", "graph"]) $(`show-${each}`).setAttribute("aria-pressed", String(each === name));
  if (name === "graph") closeDetail(false);
  draw();
}

// -- The theme: the system's, or the one that was chosen here

const THEMES = ["system", "light", "dark"];
const remembered = () => { try { return localStorage.getItem("llmroute-theme") || "system"; } catch { return "system"; } };
let themed = THEMES.includes(remembered()) ? remembered() : "system";
function theme(name) {
  themed = name;
  if (name === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  $("theme").textContent = `Theme: ${name}`;
  // Where a page keeps nothing, as in some browsers for files, the choice holds until it is closed.
  try { localStorage.setItem("llmroute-theme", name); } catch { return; }
}

// -- The server

async function reload() {
  const reply = await fetch("data");
  const fresh = await reply.json();
  const place = S.chosen && [D.agents[S.chosen.agent][0], D.purposes[S.chosen.purpose]];
  D = fresh;
  S.chosen = place && locate(...place);
  $("source").replaceChildren();
  fillControls();
  await apply();
  if (!S.chosen) closeDetail(false);
}

function locate(agent, purpose) {
  const [a, p] = [D.agents.findIndex(([name]) => name === agent), D.purposes.indexOf(purpose)];
  return a < 0 || p < 0 ? null : { agent: a, purpose: p };
}

function listen() {
  const events = new EventSource("events");
  events.addEventListener("changed", reload);
  events.addEventListener("open", () => { document.documentElement.dataset.live = "yes"; });
}

$("search").addEventListener("input", (event) => search(event.target.value));
$("client").addEventListener("change", (event) => { S.client = Number(event.target.value); apply(); });
$("group").addEventListener("click", () => { S.grouped = !S.grouped; S.at = [0, S.at[1]]; $("group").setAttribute("aria-pressed", String(S.grouped)); draw(); });
$("show-matrix").addEventListener("click", () => view("matrix"));
$("show-graph").addEventListener("click", () => view("graph"));
$("try-name").addEventListener("change", () => { fillValues(); if (!D.live && S.tried.length) { S.tried = []; apply(); } });
$("try-known").addEventListener("change", (event) => {
  const [kind, name] = asked();
  const offer = D.offers.find((each) => each[0] === kind && each[1] === name);
  if (event.target.value === "") { S.tried = []; apply(); } else tryOut(offer[2][Number(event.target.value)]);
});
$("try").addEventListener("submit", (event) => { event.preventDefault(); if (D.live) tryOut($("try-free").value.trim() || null); });
$("theme").addEventListener("click", () => theme(THEMES[(THEMES.indexOf(themed) + 1) % THEMES.length]));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !$("detail").hidden) closeDetail();
  else if (event.key === "/" && !event.target.closest("input, select, textarea")) { event.preventDefault(); $("search").focus(); }
});
window.addEventListener("resize", () => {
  if (!isNarrow()) $("trying").open = true;
  drawHead();
  drawBody(true);
});
$("group").setAttribute("aria-pressed", String(S.grouped));
$("group").hidden = D.agents.length < 9;
$("trying").open = !isNarrow();
$("trying").querySelector("summary").addEventListener("click", (event) => { if (!isNarrow()) event.preventDefault(); });
theme(themed);
fillControls();
showTried();
draw();
if (D.live) listen();

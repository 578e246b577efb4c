"use strict";
// The data, what is looked at now, and the matrix. Every answer is the resolver's: nothing here decides a route.
const $ = (id) => document.getElementById(id);
const h = (tag, attributes, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
};
const count = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
const NONE = "(none)";
const named = (name) => (name === null ? NONE : name === "*" ? "* (any other)" : name);

let D = JSON.parse($("data").textContent);
const S = { client: 0, search: "", grouped: D.agents.length > 80, open: new Set(), at: [0, 0], chosen: null, tried: [] };
let world = null; // The answers after what is tried: {data, cells}; null where nothing is.
let rows = []; // What the matrix shows: {agent, kind, members}.
const colours = new Map();

// -- Answers

const cellIndex = (kind, purpose) => (S.client * D.kinds + kind) * D.purposes.length + purpose;
const base = (kind, purpose) => ({ data: D, id: D.cells[cellIndex(kind, purpose)] });
const now = (kind, purpose) =>
  world ? { data: world.data, id: world.cells[cellIndex(kind, purpose)] } : base(kind, purpose);
const targetsOf = (answer) => answer.data.answers[answer.id][0].map((number) => answer.data.targets[number]);
const errorOf = (answer) => answer.data.answers[answer.id][5];
const signatures = new WeakMap();
function signature(answer) {
  let known = signatures.get(answer.data);
  if (!known) signatures.set(answer.data, (known = []));
  return (known[answer.id] ??= JSON.stringify(
    errorOf(answer)?.[0] ?? targetsOf(answer).map(([name, , , locality, url]) => [name, locality, url])));
}
const isChanged = (kind, purpose) => world !== null && signature(now(kind, purpose)) !== signature(base(kind, purpose));
const providerOf = (target) => target[1] || target[4];
function colour(target) {
  const provider = providerOf(target); // Those of the spec come first, so that they keep their colours.
  if (!colours.has(provider)) colours.set(provider, `p${Math.min(colours.size, 7)}`);
  return colours.get(provider);
}
function inWords(answer) {
  const error = errorOf(answer);
  if (error) return `no route, ${error[0]}`;
  const [first, ...others] = targetsOf(answer);
  return `${providerOf(first)} / ${first[2]}, ${first[3]}` + (others.length ? `, ${count(others.length, "fallback")}` : "");
}

D.providers.forEach((provider) => colour([, provider]));

// -- Which rows there are

const haystacks = new WeakMap();
function haystack(answer) {
  let known = haystacks.get(answer.data);
  if (!known) haystacks.set(answer.data, (known = []));
  return (known[answer.id] ??= (errorOf(answer)?.[0] ??
    targetsOf(answer).map((target) => `${target[0]} ${target[3]} ${target[4]}`).join(" ")).toLowerCase());
}
const words = () => S.search.toLowerCase().split(/\s+/).filter(Boolean);
const fits = (text, wanted) => wanted.every((word) => text.includes(word));

function findRows() {
  const wanted = words();
  const purposes = D.purposes.map((_, purpose) => purpose);
  const ofKind = Array.from({ length: D.kinds }, (_, kind) => ({
    hit: purposes.some((purpose) => fits(haystack(now(kind, purpose)), wanted)),
    text: purposes.map((purpose) => haystack(now(kind, purpose))).join(" "),
    key: purposes.map((purpose) => signature(now(kind, purpose))).join("\n"),
  }));
  const shown = D.agents.map(([name, kind, line], agent) => ({ agent, name, kind, line }))
    .filter(({ name, kind }) => ofKind[kind].hit || fits(`${named(name).toLowerCase()} ${ofKind[kind].text}`, wanted));
  if (!S.grouped) return (rows = shown);
  const groups = new Map();
  for (const row of shown) {
    const key = row.name === null ? "" : ofKind[row.kind].key;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(row);
  }
  rows = [];
  for (const [key, members] of groups) {
    const isOpen = S.open.has(key);
    rows.push({ ...members[0], members: members.length > 1 ? members : null, key, isOpen });
    if (isOpen) rows.push(...members.slice(1));
  }
}

// -- The matrix: only the rows and columns that can be seen are drawn

const HEIGHT = 46;
const isNarrow = () => window.matchMedia("(max-width: 760px)").matches;
// Widths in pixels, so that all rows have the same columns, whatever stands in them.
let widths = { first: 0, each: 0 };
function measure() {
  const em = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const [first, least] = isNarrow() ? [7.6, 9.2] : S.chosen ? [10, 9.4] : [14, 11.2];
  const room = ($("grid").clientWidth - first * em) / D.purposes.length;
  widths = { first: first * em, each: Math.max(least * em, Math.min(room, 24 * em)) };
}
const template = () => `${widths.first}px repeat(${D.purposes.length}, ${widths.each}px)`;
function seenColumns() {
  const grid = $("grid");
  const first = Math.max(0, Math.floor(grid.scrollLeft / widths.each) - 1);
  return [first, Math.min(D.purposes.length, Math.ceil((grid.scrollLeft + grid.clientWidth - widths.first) / widths.each) + 1)];
}

function drawHead() {
  const row = h("div", { role: "row", class: "row", "aria-rowindex": 1 },
    h("div", { role: "columnheader", class: "cell agent", "aria-colindex": 1 }, "Agent"),
    D.purposes.map((purpose, index) => h("div",
      { role: "columnheader", class: "cell", "aria-colindex": index + 2, title: named(purpose) },
      purpose === null ? "no purpose" : named(purpose))));
  measure();
  row.style.gridTemplateColumns = template();
  $("head").replaceChildren(row);
}

function drawCell(row, r, purpose, wanted) {
  const answer = now(row.kind, purpose);
  const [first, ...others] = targetsOf(answer);
  const changed = isChanged(row.kind, purpose);
  const matched = wanted.length === 0 || fits(`${named(row.name)} `.toLowerCase() + haystack(answer), wanted);
  const tint = first ? colour(first) : "none";
  const cell = h("div", {
    role: "gridcell", class: `cell is ${matched ? tint : "dim"}${first ? "" : " none"}${changed ? " changed" : ""}`,
    "aria-colindex": purpose + 2, "data-r": r, "data-c": purpose + 1, tabindex: r === S.at[0] && purpose + 1 === S.at[1] ? 0 : -1,
    "aria-selected": S.chosen !== null && S.chosen.agent === row.agent && S.chosen.purpose === purpose ? "true" : "false",
    "aria-label": `${named(row.name)}, ${named(D.purposes[purpose])}: ${inWords(answer)}${changed ? "; changed" : ""}`,
    title: inWords(answer) + (changed ? `\nbefore: ${inWords(base(row.kind, purpose))}` : ""),
  },
  h("span", { class: "model" }, h("i", { class: `dot ${first ? first[3] : "bad"}` }), h("b", {}, first ? first[2] : "no route")),
  h("span", { class: "by" }, first ? providerOf(first) + (others.length ? ` +${others.length}` : "") : errorOf(answer)[0]));
  cell.style.gridColumn = purpose + 2;
  return cell;
}

function drawRow(row, r, wanted) {
  const others = row.members ? row.members.length - 1 : 0;
  const label = row.name === null ? "no agent" : named(row.name);
  const head = h("div", { role: "rowheader", class: "cell agent", "aria-colindex": 1, "data-r": r, "data-c": 0, title: label,
    tabindex: r === S.at[0] && S.at[1] === 0 ? 0 : -1, "aria-expanded": others ? String(row.isOpen) : null }, label,
  others ? h("span", { class: "more" }, `${row.isOpen ? "▾" : "▸"} ${others.toLocaleString("en")} more alike`) : "");
  if (others) head.style.cursor = "pointer";
  const node = h("div", { role: "row", class: "row", "aria-rowindex": r + 2 }, head,
    D.purposes.map((_, purpose) => purpose).slice(...across).map((purpose) => drawCell(row, r, purpose, wanted)));
  node.style.gridTemplateColumns = template();
  node.style.top = `${r * HEIGHT}px`;
  return node;
}

const drawn = new Map(); // The rows that are drawn, by their number.
let across = [0, 0]; // The columns that are drawn.
function drawBody(force) {
  const grid = $("grid");
  const first = Math.max(0, Math.floor(grid.scrollTop / HEIGHT) - 8);
  const last = Math.min(rows.length, Math.ceil((grid.scrollTop + grid.clientHeight) / HEIGHT) + 8);
  const [left, right] = seenColumns();
  const anew = force || left < across[0] || right > across[1];
  if (anew) across = [Math.max(0, left - 1), Math.min(D.purposes.length, right + 1)];
  const had = document.activeElement?.closest?.("#body .cell");
  for (const [r, node] of drawn) {
    if (!anew && r >= first && r < last) continue;
    node.remove();
    drawn.delete(r);
  }
  const [wanted, before, after, kept] = [words(), [], [], Math.min(...drawn.keys())];
  for (let r = first; r < last; r++) {
    if (drawn.has(r)) continue;
    const node = drawRow(rows[r], r, wanted);
    (r < kept ? before : after).push(node);
    drawn.set(r, node);
  }
  $("body").prepend(...before);
  $("body").append(...after);
  if (had && !had.isConnected) cellNode(...S.at)?.focus({ preventScroll: true });
  // The Tab key leads into the grid even where the cell that had the focus last is scrolled away.
  if (!$("body").querySelector('[tabindex="0"]')) $("body").querySelector(".cell")?.setAttribute("tabindex", "0");
}
const cellNode = (r, c) => $("body").querySelector(`[data-r="${r}"][data-c="${c}"]`);

function draw() {
  findRows();
  S.at = [Math.max(0, Math.min(S.at[0], rows.length - 1)), Math.min(S.at[1], D.purposes.length)];
  $("body").style.height = `${rows.length * HEIGHT}px`;
  $("grid").setAttribute("aria-rowcount", rows.length + 1);
  $("grid").setAttribute("aria-colcount", D.purposes.length + 1);
  $("nothing").hidden = rows.length > 0;
  drawHead();
  drawBody(true);
  drawLegend();
  if (!$("graph").hidden) drawGraph();
}

function drawLegend() {
  const found = new Map();
  let lost = 0;
  for (const [, kind] of D.agents) {
    for (let purpose = 0; purpose < D.purposes.length; purpose++) {
      const [first] = targetsOf(now(kind, purpose));
      if (!first) lost++;
      else found.set(providerOf(first), { first, cells: (found.get(providerOf(first))?.cells || 0) + 1 });
    }
  }
  const buttons = [...found].map(([provider, { first, cells }]) => h("button",
    { type: "button", "aria-pressed": String(S.search === provider), onclick: () => search(S.search === provider ? "" : provider) },
    h("i", { class: `swatch ${colour(first)}` }), `${provider} ${cells.toLocaleString("en")}`));
  const keys = [["local", "this machine"], ["lan", "private network"], ["remote", "elsewhere"]].map(([locality, meaning]) =>
    h("span", { class: "key" }, h("i", { class: `dot ${locality}` }), `${locality}: ${meaning}`));
  if (lost) keys.push(h("span", { class: "key bad" }, h("i", { class: "dot bad" }), `no route: ${lost.toLocaleString("en")}`));
  $("legend").replaceChildren(...buttons, ...keys);
}

function search(text) {
  S.search = $("search").value = text;
  S.at = [0, S.at[1]];
  $("grid").scrollTop = 0;
  draw();
}

// -- Moving about: one cell of the grid takes the focus, arrow keys move it

function moveTo(r, c, focus) {
  S.at = [Math.max(0, Math.min(r, rows.length - 1)), Math.max(0, Math.min(c, D.purposes.length))];
  keepInView();
  for (const node of $("body").querySelectorAll('[tabindex="0"]')) node.setAttribute("tabindex", "-1");
  const node = cellNode(...S.at);
  node?.setAttribute("tabindex", "0");
  if (focus) node?.focus({ preventScroll: true });
}

function keepInView() {
  const grid = $("grid");
  const top = S.at[0] * HEIGHT;
  const room = grid.clientHeight - $("head").offsetHeight - HEIGHT;
  grid.scrollTop = Math.min(top, Math.max(grid.scrollTop, top - room));
  if (S.at[1] > 0) {
    const left = (S.at[1] - 1) * widths.each;
    const beyond = left + widths.each + widths.first - grid.clientWidth;
    grid.scrollLeft = Math.min(left, Math.max(grid.scrollLeft, beyond));
  }
  drawBody(false);
}

function choose(r, c) {
  const row = rows[r];
  if (!row) return;
  if (c === 0) {
    if (!row.members) return;
    S.open.has(row.key) ? S.open.delete(row.key) : S.open.add(row.key);
    draw();
    return moveTo(r, 0, true);
  }
  S.chosen = { agent: row.agent, purpose: c - 1 };
  showDetail();
  drawHead();
  drawBody(true);
  keepInView();
}

$("grid").addEventListener("scroll", () => drawBody(false), { passive: true });
$("grid").addEventListener("focusin", ({ target }) => { if (target.dataset.r) S.at = [+target.dataset.r, +target.dataset.c]; });
$("grid").addEventListener("click", (event) => {
  const cell = event.target.closest("#body .cell");
  if (!cell) return;
  moveTo(+cell.dataset.r, +cell.dataset.c, true);
  choose(...S.at);
});
$("grid").addEventListener("keydown", (event) => {
  if (!event.target.closest("#body .cell")) return;
  const [r, c] = S.at;
  const far = Math.max(1, Math.floor($("grid").clientHeight / HEIGHT) - 2);
  const end = event.ctrlKey || event.metaKey;
  const moves = { ArrowUp: [r - 1, c], ArrowDown: [r + 1, c], ArrowLeft: [r, c - 1], ArrowRight: [r, c + 1],
    PageUp: [r - far, c], PageDown: [r + far, c], Home: [end ? 0 : r, 0], End: [end ? rows.length - 1 : r, D.purposes.length] };
  if (moves[event.key]) {
    moveTo(...moves[event.key], true);
    if (S.chosen && S.at[1] > 0 && !isNarrow()) choose(...S.at);
  } else if (event.key === "Enter" || event.key === " ") {
    choose(r, c);
    if (c > 0) $("detail-title")?.focus();
  } else return;
  event.preventDefault();
});

"use strict";
// The explanation of one answer: who won, every scope that had a say, and the lines of the spec beside it.
const expand = (text, row) => text.replaceAll("\ue000", `agents.${row.name}`)
  .replace(/\ue001(-?\d+)\ue001/g, (_, below) => row.line + Number(below));
const scopeName = (scope, row, purpose) => (scope.startsWith("@") ? `agents.${row.name}${scope.slice(1)}` : scope)
  .replace(/\.#$/, () => `.${purpose}`);
const lineOf = (place, row) => (typeof place === "number" ? place : place.startsWith("+") ? row.line + Number(place.slice(1)) : 0);

function showDetail() {
  const [name, kind, line] = D.agents[S.chosen.agent];
  const row = { name, line };
  const purpose = D.purposes[S.chosen.purpose];
  const answer = now(kind, S.chosen.purpose);
  $("detail").hidden = false;
  $("why").replaceChildren(...explanation(answer, row, purpose, kind));
  $("why").scrollTop = 0;
  markSource(answer, row);
}

function closeDetail(andReturn = true) {
  if ($("detail").hidden) return;
  $("detail").hidden = true;
  S.chosen = null;
  drawHead();
  drawBody(true);
  if (andReturn) moveTo(...S.at, true);
}

function explanation(answer, row, purpose, kind) {
  const [, fields, ladder, excluded, notes, error] = answer.data.answers[answer.id];
  const [first, ...others] = targetsOf(answer);
  const who = [row.name === null ? "no agent" : named(row.name), purpose === null ? "no purpose" : named(purpose)];
  if (D.clients[S.client] !== null) who.push(`client ${D.clients[S.client]}`);
  const before = base(kind, S.chosen.purpose);
  return [
    h("div", { class: "top" }, h("span", {}, who.join(" · ")),
      h("button", { type: "button", class: "quiet", id: "close", onclick: () => closeDetail() }, "Close")),
    h("h2", { id: "detail-title", tabindex: -1, class: error ? "bad" : null }, first ? `${providerOf(first)} / ${first[2]}` : `No route: ${error[0]}`),
    first ? facts(first) : errorText(error, row),
    isChanged(kind, S.chosen.purpose) ? h("p", { class: "note" }, `Before what is tried: ${inWords(before)}`) : "",
    others.length ? [h("h2", {}, "If it fails"), h("ol", { class: "chain" }, others.map((target) =>
      h("li", {}, h("code", {}, `${providerOf(target)} / ${target[2]}`), facts(target))))] : "",
    excluded.length ? [h("h2", {}, "Left out"), h("ul", { class: "chain" }, excluded.map(([target, rule, reason, place]) =>
      h("li", {}, h("code", { class: "lost" }, target), h("p", { class: "note" }, `${expand(reason, row)} `, h("code", {}, rule), " ", placeNode(place, row)))))] : "",
    notes.length ? [h("h2", {}, "To note"), h("ul", { class: "chain" }, notes.map(([severity, rule, message, place]) =>
      h("li", { class: "note" }, `${severity} ${rule}: ${expand(message, row)} `, placeNode(place, row))))] : "",
    h("h2", {}, "Who has a say, strongest first"), rungs(answer, fields, ladder, row, purpose),
    h("h2", {}, "Ask again on the command line"), h("code", { class: "again", tabindex: 0 }, commandLine(row.name, purpose)),
  ].flat();
}

const facts = ([, , , locality, url, api, key]) => h("div", { class: "facts" },
  h("span", { class: "where" }, h("i", { class: `dot ${locality}` }), locality), h("span", {}, url), h("span", {}, api), h("span", {}, key));
const errorText = ([, message, hint], row) => h("div", {}, expand(message, row).split("\n").map((text) => h("p", {}, text.trim())),
  hint ? h("p", { class: "note" }, expand(hint, row)) : "");

function placeNode(place, row) {
  const line = lineOf(place, row);
  if (!line) return h("span", { class: "note" }, place === 0 ? "" : place);
  return h("button", { type: "button", class: "link", onclick: () => scrollSource(line, true) }, `line ${line}`);
}

function rungs(answer, fields, ladder, row, purpose) {
  const said = new Map();
  const ladderRows = answer.data.ladders[ladder].map(([scope, layer]) => [scopeName(scope, row, purpose), layer]);
  for (const number of fields) {
    const [field, , , candidates] = answer.data.fields[number];
    for (const id of candidates) {
      const [scope, layer, value, verdict, reason, place] = answer.data.candidates[id];
      const name = scopeName(scope, row, purpose);
      if (!said.has(name)) said.set(name, { layer, lines: [] });
      said.get(name).lines.push({ field, value, verdict, reason: expand(reason, row), place });
    }
  }
  const order = [...said.keys()].filter((name) => !ladderRows.some(([scope]) => scope === name));
  const bound = order.filter((name) => said.get(name).layer === "policy");
  const rest = order.filter((name) => said.get(name).layer !== "policy");
  const all = [...ladderRows.map(([name]) => name), ...rest];
  const list = h("ol", { class: "ladder" }, all.map((name, index) => rung(index + 1, name, said.get(name), row)));
  return bound.length ? [list, h("h2", {}, "Policies, which no scope loosens"),
    h("ul", { class: "ladder" }, bound.map((name) => rung("", name, said.get(name), row)))] : [list];
}

const spelled = (verdict) => verdict.replace("-", " ");

function rung(number, name, said, row) {
  if (!said) return h("li", { class: "silent" }, h("span", { class: "n" }, number), h("span", { class: "scope" }, h("code", {}, name), h("span", { class: "note" }, "says nothing")));
  return h("li", {}, h("span", { class: "n" }, number), h("div", {},
    h("span", { class: "scope" }, h("code", {}, name)),
    h("dl", { class: "says" }, said.lines.map(({ field, value, verdict, reason, place }) => [
      h("dt", {}, field),
      h("dd", {}, h("code", { class: verdict === "won" || verdict === "adds-up" ? null : "lost" }, value), "  ",
        reason.startsWith(spelled(verdict)) ? "" : h("span", { class: `verdict ${verdict}` }, spelled(verdict)),
        reason ? h("span", { class: "note" }, ` ${reason}`) : "", " ", placeNode(place, row))]).flat())));
}

const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
function commandLine(agent, purpose) {
  const flags = [["--agent", agent], ["--purpose", purpose], ["--client", D.clients[S.client]]].filter(([, value]) => value !== null);
  const parts = flags.map(([flag, value]) => `${flag} ${quoted(value)}`);
  for (const { kind, name, value } of S.tried) {
    if (kind === "env") parts.push(`--set-env ${quoted(`${name}=${value ?? ""}`)}`);
    else if (value !== null) parts.push(`--${name.replaceAll("_", "-")} ${quoted(value)}`);
  }
  return [D.command, ...parts].join(" ");
}

// -- The spec

function drawSource() {
  // Drawn when it is first looked at: it may be long.
  if ($("source").childElementCount) return;
  $("source").replaceChildren(...D.lines.map((text, index) =>
    h("span", { class: "yaml" }, h("span", { class: "n" }, index + 1), ...coloured(text))));
}

function coloured(text) {
  const comment = text.search(/(^|\s)#/);
  const code = comment < 0 ? text : text.slice(0, comment);
  const key = /^(\s*(?:- )?)([^\s#:'"{[&*!][^:#{[]*)(:)(?=\s|$)/.exec(code);
  const parts = key ? [key[1], h("span", { class: "k" }, key[2]), code.slice(key[1].length + key[2].length)] : [code];
  return [...parts, comment < 0 ? "" : h("span", { class: "c" }, text.slice(comment))].concat(text === "" ? " " : []);
}

function markSource(answer, row) {
  drawSource();
  const lines = $("source").children;
  for (const node of $("source").querySelectorAll(".won, .lost")) node.className = "yaml";
  let first = 0;
  const [, fields, , excluded] = answer.data.answers[answer.id];
  const mark = (place, kind) => {
    const node = lines[lineOf(place, row) - 1];
    if (!node || node.classList.contains("won")) return;
    node.className = `yaml ${kind}`;
    if (kind === "won" && !first) first = lineOf(place, row);
  };
  for (const number of fields) {
    for (const id of answer.data.fields[number][3]) {
      const [, , , verdict, , place] = answer.data.candidates[id];
      mark(place, verdict === "won" || verdict === "adds-up" ? "won" : "lost");
    }
  }
  for (const [, , , place] of excluded) mark(place, "won");
  scrollSource(first || row.line || 1, false);
}

function scrollSource(line, asked) {
  const node = $("source").children[line - 1];
  if (!node) return;
  const pane = $("source");
  const inside = pane.scrollHeight > pane.clientHeight + 1;
  if (inside) pane.scrollTop = node.offsetTop - pane.clientHeight / 3;
  else if (asked) node.scrollIntoView({ block: "center" });
  if (asked) pane.focus({ preventScroll: inside });
}

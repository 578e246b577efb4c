"use strict";
// Agents, the targets that they ask first, and where they go when those fail. Agents with the same chains are one box.
const svg = (tag, attributes, ...children) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null && child !== ""));
  return node;
};
const MOST_BOXES = 24;
const BOX = { width: 236, height: 46, gap: 14, between: 130 };
const shortened = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

function chainsOf(kind) {
  const chains = new Map();
  D.purposes.forEach((purpose, index) => {
    const answer = now(kind, index);
    const key = errorOf(answer) ? `!${errorOf(answer)[0]}` : signature(answer);
    if (!chains.has(key)) chains.set(key, { targets: targetsOf(answer), error: errorOf(answer)?.[0] });
  });
  return chains;
}

function agentBoxes() {
  const boxes = new Map();
  for (const { name, kind } of rows.flatMap((row) => (row.members && !row.isOpen ? row.members : [row]))) {
    const chains = chainsOf(kind);
    const key = [...chains.keys()].sort().join("\n");
    if (!boxes.has(key)) boxes.set(key, { names: [], chains });
    boxes.get(key).names.push(name === null ? "no agent" : named(name));
  }
  const sorted = [...boxes.values()].sort((one, other) => other.names.length - one.names.length);
  if (sorted.length <= MOST_BOXES) return sorted;
  const rest = sorted.splice(MOST_BOXES - 1);
  const chains = new Map(rest.flatMap((box) => [...box.chains]));
  return [...sorted, { names: rest.flatMap((box) => box.names), chains, mixed: rest.length }];
}

function layout() {
  // A way is one chain of one box; each box and line knows the ways that lead over it.
  let way = 0;
  const columnsOf = [agentBoxes().map((box) => ({ ...box, column: 0, edges: new Map(), ways: new Set() }))];
  const nodes = new Map();
  const node = (column, target, error) => {
    const key = `${column} ${error ? `!${error}` : `${target[0]} ${target[4]}`}`;
    if (!nodes.has(key)) {
      nodes.set(key, { column, target, error, edges: new Map(), ways: new Set() });
      (columnsOf[column] ??= []).push(nodes.get(key));
    }
    return nodes.get(key);
  };
  for (const box of columnsOf[0]) {
    for (const { targets, error } of box.chains.values()) {
      let from = box;
      box.ways.add(++way);
      for (const [place, target] of (error ? [null] : targets).entries()) {
        const to = node(place + 1, target, error);
        to.ways.add(way);
        if (!from.edges.has(to)) from.edges.set(to, { weight: 0, ways: new Set() });
        from.edges.get(to).weight += box.names.length;
        from.edges.get(to).ways.add(way);
        from = to;
      }
    }
  }
  for (let column = 1; column < columnsOf.length; column++) {
    // A box stands at the middle of those that lead to it, so that few edges cross.
    const middle = new Map();
    columnsOf[column - 1].forEach((from, index) => from.edges.forEach((_, to) => middle.set(to, [...(middle.get(to) || []), index])));
    const mean = (box) => middle.get(box).reduce((sum, index) => sum + index, 0) / middle.get(box).length;
    columnsOf[column].sort((one, other) => mean(one) - mean(other));
  }
  return columnsOf;
}

function drawGraph() {
  const columnsOf = layout();
  const tall = (list) => list.length * (BOX.height + BOX.gap) - BOX.gap;
  const height = Math.max(...columnsOf.map(tall)) + 30;
  const width = columnsOf.length * (BOX.width + BOX.between) - BOX.between;
  const edges = svg("g", {}), boxes = svg("g", {});
  columnsOf.forEach((list, column) => {
    const top = 28 + (height - 30 - tall(list)) / 2 * (column ? 1 : 0);
    list.forEach((box, index) => Object.assign(box, { x: column * (BOX.width + BOX.between), y: top + index * (BOX.height + BOX.gap) }));
    const heads = ["Agents", "Asked first"];
    edges.append(svg("text", { x: column * (BOX.width + BOX.between), y: 13, class: "small" }, heads[column] || (column === 2 ? "If it fails" : "Then")));
  });
  const lines = [];
  columnsOf.flat().forEach((box) => {
    box.edges.forEach(({ weight, ways }, to) => {
      const [x1, y1, x2, y2] = [box.x + BOX.width, box.y + BOX.height / 2, to.x, to.y + BOX.height / 2];
      const bend = BOX.between / 2;
      const line = svg("path", { d: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`,
        class: `edge${box.column ? " then" : ""}`, "stroke-width": Math.min(5, 1.2 + Math.log2(weight) / 2.5) });
      lines.push({ node: line, ways });
      edges.append(line);
    });
    boxes.append(boxNode(box));
  });
  const picture = svg("svg", { width: width + 4, height: height + 4, viewBox: `-2 0 ${width + 4} ${height + 4}`, role: "group",
    "aria-label": "Agents and their targets, left to right" }, edges, boxes);
  columnsOf.flat().forEach((box) => {
    const light = () => highlight(box.ways, [...lines, ...columnsOf.flat()]);
    const dark = () => highlight(null, [...lines, ...columnsOf.flat()]);
    box.node.addEventListener("mouseenter", light);
    box.node.addEventListener("focus", light);
    box.node.addEventListener("mouseleave", dark);
    box.node.addEventListener("blur", dark);
    const go = () => {
      view("matrix");
      search(box.names ? "" : box.error || box.target[0]);
      const found = rows.findIndex((row) => (row.name === null ? "no agent" : named(row.name)) === box.names?.[0]);
      moveTo(Math.max(0, found), 0, true);
    };
    box.node.addEventListener("click", go);
    box.node.addEventListener("keydown", (event) => { if (event.key === "Enter") go(); });
  });
  $("graph").replaceChildren(h("p", {}, "Agents whose calls take the same ways share a box. A dashed line is taken when what stands before it fails. "
    + "Point at a box to see its ways; choose it to go to its calls in the matrix."), picture);
}

function boxNode(box) {
  const tint = box.names ? "" : box.error ? "none" : colour(box.target);
  const [title, below] = box.names
    ? [box.names.length === 1 ? box.names[0] : box.mixed ? `${count(box.names.length, "agent")}, mixed` : count(box.names.length, "agent"),
      box.names.length === 1 ? count(box.chains.size, "way") : `${box.names.slice(0, 3).join(", ")}${box.names.length > 3 ? " …" : ""}`]
    : box.error ? ["no route", box.error] : [box.target[2], `${providerOf(box.target)} · ${box.target[3]}`];
  const leads = [...box.edges.keys()].map((to) => (to.error ? `no route, ${to.error}` : to.target[0])).join("; ");
  box.node = svg("g", { class: `node ${tint}`, tabindex: 0, role: "button", transform: `translate(${box.x} ${box.y})`,
    "aria-label": `${title}, ${below}${leads ? `; ${box.names ? "leads to" : "where it fails, some calls go to"} ${leads}` : ""}` },
  svg("rect", { width: BOX.width, height: BOX.height, rx: 7, class: box.names ? "box" : "target" }),
  svg("text", { x: 13, y: 20, class: box.names ? "" : "mono" }, shortened(title, 28)),
  svg("text", { x: 13, y: 36, class: "small" }, shortened(below, 36)),
  svg("title", {}, box.names ? box.names.slice(0, 60).join("\n") : box.target ? `${box.target[0]}\n${box.target[4]}` : box.error));
  return box.node;
}

function highlight(ways, all) {
  for (const { node, ways: own } of all) node.classList.toggle("off", ways !== null && ![...own].some((way) => ways.has(way)));
}

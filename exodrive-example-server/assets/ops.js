"use strict";
// The operations page. It shows what the server sends every second, and changes rows in place, by key, so that whoever
// is about to press a button still has it under the finger. The token lives in this page's memory and nowhere else.

const $ = (id) => document.getElementById(id);
const WINDOW = Math.min(Math.max(Number(new URLSearchParams(location.search).get("window")) || 300, 60), 900);
let token = null;
let points = [];
let latest = null;

// --- the server -------------------------------------------------------------

async function change(method, path, body) {
  const response = await fetch(path, {
    method,
    headers: { "authorization": `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body ?? {}),
  });
  if (response.status === 204) return null;
  if (response.ok) return response.json();
  const problem = await response.json().catch(() => null);
  throw new Error(problem?.error?.message ?? `The server answered ${response.status}`);
}

/** Runs an action of a button, which shows that it is under way and says what went wrong. */
async function act(button, action) {
  say("");
  button.setAttribute("aria-busy", "true");
  try {
    const outcome = await action();
    await refresh();
    if (outcome?.result === "deferred") say("Redis does not answer: this holds here, and for the other instances once it does.");
  } catch (error) {
    say(error.message);
  } finally {
    button.removeAttribute("aria-busy");
  }
}

function say(text) {
  $("message").textContent = text;
  $("message").hidden = text === "";
}

async function refresh() {
  const response = await fetch("/ops/api/overview");
  if (response.ok) show(await response.json());
}

function follow() {
  const stream = new EventSource("/ops/api/stream");
  const state = (name, text) => {
    $("connection").dataset.state = name;
    $("connection").textContent = text;
  };
  stream.onopen = () => state("live", "live");
  stream.onerror = () => {
    state("lost", "connection lost, trying again");
    if (stream.readyState === EventSource.CLOSED) setTimeout(follow, 3000);
  };
  stream.onmessage = (message) => {
    const overview = JSON.parse(message.data);
    if (!overview.now) return;
    state("live", "live");
    points.push(overview.now);
    points = points.filter((point) => point.at > overview.now.at - WINDOW);
    show(overview);
    draw();
  };
}

// --- tables -----------------------------------------------------------------

/** Brings the rows of a table to what the items say, and leaves alone what has not changed. */
function rows(table, items, key, cells, button) {
  const body = table.tBodies[0];
  const old = new Map([...body.rows].map((row) => [row.dataset.key, row]));
  const wanted = items.map((item) => {
    const id = key(item);
    let row = old.get(id);
    old.delete(id);
    if (!row) {
      row = document.createElement("tr");
      row.dataset.key = id;
      for (const _ of cells(item)) row.insertCell();
      if (button) row.insertCell().append(button(item));
    }
    cells(item).forEach((text, place) => {
      const cell = row.cells[place];
      if (cell.textContent !== String(text)) cell.textContent = text;
    });
    return row;
  });
  for (const row of old.values()) row.remove();
  // A row that is moved loses the focus in it.
  const focused = body.contains(document.activeElement);
  wanted.forEach((row, place) => {
    if (!row.isConnected) body.insertBefore(row, body.rows[place] ?? null);
    else if (!focused && body.rows[place] !== row) body.insertBefore(row, body.rows[place]);
  });
}

function adminButton(text, label, action) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  button.setAttribute("aria-label", label);
  button.dataset.admin = "";
  button.disabled = token === null;
  button.onclick = () => act(button, action);
  return button;
}

const time = (seconds) => new Date(seconds * 1000).toLocaleTimeString();
const until = (seconds) => (seconds === null ? "no end" : new Date(seconds * 1000).toLocaleString());

function show(overview) {
  latest = overview;
  cards(overview);
  switches(overview);
  rows($("refused"), overview.refused, (client) => client.whom, (client) => [client.whom, client.times], ({ whom }) =>
    adminButton("Block", `Block ${whom}`, () =>
      change("POST", "/ops/api/orders", { kind: "ban", whom, seconds: 900, reason: "blocked on the operations page" })));
  if (overview.orders) orders(overview.orders);
  if (overview.events) {
    rows($("events"), overview.events, (event) => `${event.at} ${event.about} ${event.kind} ${event.detail}`,
      (event) => [time(event.at), event.kind, event.about, event.by, event.detail]);
  }
  failures();
}

function orders(all) {
  const lift = ({ kind, whom, limit }) => {
    const body = kind === "override" ? { kind, whom, limit } : { kind, whom };
    return adminButton("Lift", `Lift the ${kind} of ${whom}`, () => change("POST", "/ops/api/orders/lift", body));
  };
  const of = (...kinds) => all.filter((order) => kinds.includes(order.kind));
  const key = (order) => `${order.kind} ${order.whom} ${order.limit}`;
  const who = (order) => [order.whom, until(order.until), order.reason, order.actor];
  rows($("bans"), of("ban", "deny"), key, who, lift);
  rows($("allowed"), of("allow"), key, who, lift);
  rows($("overrides"), of("override"), key,
    (order) => [order.whom, order.limit ?? "all", order.text, until(order.until)], lift);
}

function failures() {
  const wanted = $("trace").value.trim();
  const found = latest.failures.filter((failure) => failure.traceId.includes(wanted));
  rows($("failures"), found, (failure) => `${failure.traceId} ${failure.at} ${failure.route}`,
    (failure) => [time(failure.at), failure.traceId, failure.code, failure.status, `${failure.method} ${failure.route}`]);
}

// --- switches ---------------------------------------------------------------

function switches({ flags, policies, limits }) {
  const by = ({ overridden }) => (overridden ? "operator" : "start");
  rows($("flags"), flags, (flag) => flag.feature, (flag) => [flag.feature, `${flag.percent} %`, by(flag)], flagControl);
  for (const { feature, percent } of flags) settle("flags", feature, "input", percent);
  rows($("policies"), policies, (one) => one.policy,
    (one) => [one.policy, one.percent === null ? one.mode : `on for ${one.percent} %`, by(one), accuracy(one)], policyControl);
  for (const { policy, mode, percent } of policies) {
    settle("policies", policy, "select", mode);
    settle("policies", policy, "input", percent ?? 100);
  }
  if (!limits) return;
  rows($("limits"), limits, (one) => one.limit, (one) => [one.limit, one.mode], limitControl);
  for (const { limit, mode } of limits) settle("limits", limit, "select", mode);
}

function accuracy({ accuracy: { same, different } }) {
  const all = same + different;
  return all === 0 ? "–" : `${percent(same / all)} of ${all}`;
}

/** Shows in a control what holds. What is being chosen stays, unless somebody switches meanwhile. */
function settle(table, key, control, value) {
  const found = $(table).querySelector(`[data-key="${key}"] ${control}`);
  if (found.dataset.holds !== String(value)) found.dataset.holds = found.value = value;
}

function flagControl({ feature }) {
  const share = shareOf(`${feature} on for so many of a hundred clients`);
  return switchForm(`/ops/api/flags/${feature}`, feature, [share], () => ({ percent: share.valueAsNumber }));
}

function policyControl({ policy }) {
  const mode = choice(`Mode of policy ${policy}`, ["on", "off", "percentage", "shadow"]);
  const share = shareOf(`${policy} in force for so many of a hundred keys, with percentage`);
  const body = () => (mode.value === "percentage" ? { percent: share.valueAsNumber } : { mode: mode.value });
  const form = switchForm(`/ops/api/policies/${policy}`, `policy ${policy}`, [mode, share], body);
  form.append(" ", adminButton("Purge", `Purge policy ${policy}`, () => change("POST", "/ops/api/purge", { policy })));
  return form;
}

function limitControl({ limit }) {
  const mode = choice(`Mode of limit ${limit}`, ["enforce", "shadow", "off"]);
  const body = () => ({ mode: mode.value, reason: "set on the operations page" });
  return switchForm(`/ops/api/limits/${limit}`, `limit ${limit}`, [mode], body);
}

function shareOf(label) {
  const input = document.createElement("input");
  Object.assign(input, { type: "number", min: 0, max: 100, required: true });
  input.setAttribute("aria-label", label);
  return input;
}

function choice(label, values) {
  const select = document.createElement("select");
  select.append(...values.map((value) => new Option(value)));
  select.setAttribute("aria-label", label);
  return select;
}

/** Controls with a button that switches as they say, and one that takes it back. */
function switchForm(path, name, controls, body) {
  const form = document.createElement("form");
  const set = adminButton("Set", `Set ${name}`, null);
  set.type = "submit";
  set.onclick = null;
  form.onsubmit = (event) => {
    event.preventDefault();
    act(set, () => change("PUT", path, body()));
  };
  for (const control of controls) form.append(control, " ");
  form.append(set, " ", adminButton("Reset", `Reset ${name}`, () => change("DELETE", path)));
  return form;
}

// --- cards ------------------------------------------------------------------

const number = (value, digits = 1) => value.toLocaleString(undefined, { maximumFractionDigits: digits });
const percent = (part) => (part === null ? "–" : `${number(part * 100)} %`);

function cards({ now, redis, pools, queries, saved }) {
  const pool = (one) => `${one.used} of ${one.limit}`;
  const list = [
    ["Requests a second", number(now.requestsPerSecond)],
    ["Hit rate", percent(now.hitRate), now.hitRate !== null && now.hitRate < 0.85],
    ["p95", now.p95Ms === null ? "–" : `${number(now.p95Ms)} ms`, now.p95Ms > 200],
    ["5xx a second", number(now.serverErrorsPerSecond), now.serverErrorsPerSecond > 0],
    ["Refused a second", number(now.refusedPerSecond)],
    ["Redis", redis ? redis.status : "not used", redis?.status === "degraded"],
    ["Breaker", redis ? (redis.breakerOpen ? "open" : "closed") : "–", redis?.breakerOpen],
    ...pools.map((one) => [`Pool ${one.name}`, pool(one), one.used === one.limit]),
    ["Database queries", number(queries, 0)],
    ["Reads without a query", number(saved, 0)],
  ];
  const cards = $("cards");
  for (const [name, text, bad] of list) {
    let card = [...cards.children].find((one) => one.dataset.name === name);
    if (!card) {
      card = document.createElement("div");
      card.dataset.name = name;
      card.append(document.createElement("dt"), document.createElement("dd"));
      card.firstChild.textContent = name;
      cards.append(card);
    }
    card.lastChild.textContent = text;
    card.lastChild.className = bad ? "bad" : "";
  }
}

// --- charts -----------------------------------------------------------------

const COLOURS = ["#3b82d6", "#d0762b", "#3a9d5d", "#a85fc0", "#c2453f", "#8a8f2a", "#2a9d9d", "#b0527c", "#7a6a55"];
const charts = new Map();

const SOURCES = {
  hits: (point) => pick(point.routes, (route) => (route.hitRate === null ? null : route.hitRate * 100)),
  times: (point) => pick(point.routes, (route) => route[`${$("quantile").value}Ms`]),
  codes: (point) => point.codes,
  limits: (point) => point.limits,
};
const GOALS = { hits: ["goal 85 %", 85], times: ["goal 200 ms", 200] };

function pick(of, value) {
  const pairs = Object.entries(of).map(([name, one]) => [name, value(one)]);
  return Object.fromEntries(pairs.filter(([, one]) => one !== null));
}

/** What the text has in the light or in the dark, whichever it is when a chart is drawn. */
const textColour = () => getComputedStyle(document.body).color;

function draw() {
  for (const figure of document.querySelectorAll("[data-chart]")) drawOne(figure);
}

function drawOne(figure) {
  const name = figure.dataset.chart;
  const values = points.map(SOURCES[name]);
  const names = [...new Set(values.flatMap(Object.keys))].sort();
  const series = names.map((one) => values.map((value) => value[one] ?? null));
  const goal = GOALS[name];
  if (goal) series.push(points.map(() => goal[1]));
  const data = [points.map((point) => point.at), ...series];
  const labels = goal ? [...names, goal[0]] : names;
  let chart = charts.get(name);
  if (!chart || chart.labels.join() !== labels.join()) {
    chart?.plot.destroy();
    chart = { labels, plot: plot(figure, labels, data, goal), table: chart?.table ?? twin(figure) };
    figure.append(chart.table);
    charts.set(name, chart);
  } else {
    chart.plot.setData(data);
  }
  const now = names.map((one, place) => [one, series[place].findLast((value) => value !== null) ?? null]);
  rows(chart.table.querySelector("table"), now, ([one]) => one,
    ([one, value]) => [one, value === null ? "–" : number(value, 2)]);
}

function plot(figure, labels, data, goal) {
  const line = (label, place) => {
    const isGoal = goal && place === labels.length - 1;
    return { label, stroke: isGoal ? textColour : COLOURS[place % COLOURS.length], dash: isGoal ? [4, 4] : undefined, spanGaps: true };
  };
  const axis = () => ({ stroke: textColour, grid: { stroke: "#8885", width: 1 }, ticks: { stroke: "#8885", width: 1 } });
  const options = {
    width: figure.clientWidth,
    height: 190,
    series: [{}, ...labels.map(line)],
    axes: [axis(), axis()],
    scales: { y: { range: (_, low, high) => [0, Math.max(high ?? 1, goal ? goal[1] * 1.1 : 1)] } },
    cursor: { drag: { setScale: false } },
  };
  return new uPlot(options, data, figure);
}

/** The same figures as a table, for those who cannot see the lines. */
function twin(figure) {
  const details = document.createElement("details");
  details.innerHTML = "<summary>As a table</summary><table><thead><tr><th scope=col>Name<th scope=col>Latest</tr></thead><tbody></tbody></table>";
  details.querySelector("table").setAttribute("aria-label", figure.querySelector("figcaption").firstChild.textContent.trim());
  return details;
}

// --- controls ---------------------------------------------------------------

function confirmed(question) {
  const dialog = $("confirm");
  $("question").textContent = question;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

function onSubmit(form, action) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    act(form.querySelector("button"), () => action(Object.fromEntries(new FormData(form))));
  });
}

function grave(id, question, path, body) {
  $(id).onclick = async () => {
    if (await confirmed(question)) await act($(id), () => change("POST", path, body));
  };
}

onSubmit($("unlock"), async () => {
  token = $("token").value;
  try {
    await change("POST", "/ops/api/check");
  } catch (error) {
    token = null;
    throw error;
  } finally {
    $("token").value = "";
  }
  $("mode").textContent = "changes allowed";
  $("unlock").hidden = true;
  for (const button of document.querySelectorAll("[data-admin]")) button.disabled = false;
});
onSubmit($("purge-tag"), ({ tag }) => change("POST", "/ops/api/purge", { tag }));
onSubmit($("purge-event"), (event) => change("POST", "/ops/api/purge", { event }));
grave("purge-all", "Remove every answer from the cache?", "/ops/api/purge", { all: {} });
grave("rollback", "Turn every feature off and empty the cache?", "/ops/api/rollback", {});
for (const form of document.querySelectorAll("[data-order]")) {
  onSubmit(form, ({ whom, minutes, reason, limit, times }) => change("POST", "/ops/api/orders", {
    kind: form.dataset.order,
    whom,
    reason,
    ...(minutes && { seconds: Number(minutes) * 60 }),
    ...(limit && { limit }),
    ...(times && { times: Number(times) }),
  }));
}
for (const button of document.querySelectorAll("[data-admin]")) button.disabled = true;
$("trace").oninput = failures;
$("quantile").onchange = draw;
addEventListener("resize", () => {
  for (const [name, { plot }] of charts) {
    plot.setSize({ width: document.querySelector(`[data-chart=${name}]`).clientWidth, height: 190 });
  }
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const { plot } of charts.values()) plot.redraw();
});

(async () => {
  await refresh();
  const history = await fetch(`/ops/api/history?window=${WINDOW}`);
  if (history.ok) points = await history.json();
  draw();
  follow();
})();

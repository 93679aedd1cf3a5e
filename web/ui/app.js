// The status page: asks the API once a second and shows what it says. Text goes in as text only.

const API = "api/v1/";
const ACTIVE = new Set(["pending", "assigned", "ready", "running", "draining"]);
const element = (id) => document.getElementById(id);

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function call(method, path, body) {
  const headers = { "x-acp-csrf": "1" };
  if (body !== undefined) headers["content-type"] = "application/json";
  const answer = await fetch(API + path, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  const value = text === "" ? null : JSON.parse(text);
  if (!answer.ok) {
    const { message, hint } = value.error;
    throw new Refused(answer.status, hint ? `${message} (${hint})` : message);
  }
  return value;
}

// What somebody has asked for and did not get stays for a while; the rest goes with the next turn.
let sayUntil = 0;

function say(problem, milliseconds = 0) {
  if (problem === "" && Date.now() < sayUntil) return;
  sayUntil = Date.now() + milliseconds;
  element("problem").textContent = problem;
  element("problem").hidden = problem === "";
}

const count = (value) => value.toLocaleString("en");

function milliseconds(nanoseconds) {
  return nanoseconds === 0 ? "" : `${(nanoseconds / 1e6).toFixed(2)} ms`;
}

const time = (unixUs) => new Date(unixUs / 1000).toLocaleString();

// A cell is a text, [text, class], or an element.
function row(cells) {
  const line = document.createElement("tr");
  for (const cell of cells) {
    const place = line.insertCell();
    if (cell instanceof Node) {
      place.append(cell);
    } else if (Array.isArray(cell)) {
      place.textContent = cell[0];
      place.className = cell[1];
    } else {
      place.textContent = cell;
    }
  }
  return line;
}

function show(name, rows) {
  element(name).replaceChildren(...rows);
  element(`no-${name}`).hidden = rows.length > 0;
}

function stopButton(run) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = run.stopping === null ? "Stop" : "Stopping";
  button.disabled = run.stopping !== null;
  button.addEventListener("click", () => act(`runs/${encodeURIComponent(run.id)}/stop`));
  return button;
}

async function act(path) {
  try {
    await call("POST", path);
  } catch (error) {
    say(error.message, 5000);
  }
}

function activeRow(run) {
  const live = run.live;
  return row([
    run.name,
    run.target,
    live.is_warmup ? `${run.state}, warm-up` : run.state,
    [count(live.planned), "n"],
    [count(live.sent), "n"],
    [count(live.completed), "n"],
    [count(live.errors), live.errors > 0 ? "n bad" : "n"],
    [`${count(Math.round(live.sent_per_s))}/s`, "n"],
    [milliseconds(live.response_p99_ns), "n"],
    stopButton(run),
  ]);
}

function reportLink(run) {
  const link = document.createElement("a");
  if (run.verdict !== null) {
    link.href = `${API}runs/${encodeURIComponent(run.id)}/report?format=text`;
    link.textContent = "report";
  }
  return link;
}

function recentRow(run) {
  const verdict = run.verdict ?? run.text;
  return row([
    run.name,
    run.target,
    run.state,
    [verdict, run.verdict === "valid" ? "good" : "bad"],
    time(run.t0_unix_us ?? run.created_unix_us),
    reportLink(run),
  ]);
}

function agentState(agent) {
  if (agent.is_registered === null) return ["unknown", ""];
  if (!agent.is_registered) return ["gone", "bad"];
  if (agent.is_draining) return ["leaving", ""];
  return agent.is_enabled ? ["ready", "good"] : ["drained", ""];
}

function agentRow(agent) {
  const offset = agent.clock_offset_us;
  return row([
    agent.agent,
    agent.version,
    [count(agent.cores), "n"],
    [agent.cores_free === null ? "" : count(agent.cores_free), "n"],
    agentState(agent),
    [offset === null ? "" : `${(offset / 1000).toFixed(1)} ms`, agent.is_clock_wrong ? "n bad" : "n"],
  ]);
}

async function refresh() {
  const [active, runs, agents, cluster] = await Promise.all([
    call("GET", "runs?state=active&limit=50"),
    call("GET", "runs?limit=30"),
    call("GET", "agents"),
    call("GET", "cluster"),
  ]);
  const path = (run) => `runs/${encodeURIComponent(run.id)}`;
  const details = await Promise.all(active.runs.map((run) => call("GET", path(run))));
  // One may have ended between the two questions.
  show("active", details.filter((run) => run.live !== null).map(activeRow));
  show("recent", runs.runs.filter((run) => !ACTIVE.has(run.state)).map(recentRow));
  show("agents", agents.agents.map(agentRow));
  const leads = cluster.is_leader ? "leads" : `follows ${cluster.leader ?? "nobody"}`;
  element("cluster").textContent = `${cluster.version} · ${cluster.coordinator} · ${leads}`;
}

async function greet() {
  const me = await call("GET", "me");
  element("me").textContent = me.auth ? `${me.name}, ${me.role}` : "";
  element("logout").hidden = !me.auth;
  element("login").hidden = true;
  element("status").hidden = false;
}

function askForLogin() {
  element("status").hidden = true;
  element("logout").hidden = true;
  element("me").textContent = "";
  element("login").hidden = false;
}

async function turn() {
  try {
    if (element("status").hidden) await greet();
    await refresh();
    say("");
  } catch (error) {
    if (error.status === 401) {
      askForLogin();
      return;
    }
    say(error.message);
  }
  setTimeout(turn, 1000);
}

element("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  try {
    await call("POST", "login", { user: form.user.value, password: form.password.value });
    form.reset();
    turn();
  } catch (error) {
    say(error.message, 5000);
  }
});

element("logout").addEventListener("click", async () => {
  await act("logout");
  element("status").hidden = true;
});

turn();

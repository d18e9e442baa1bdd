"use strict";

const $ = (id) => document.getElementById(id);

let connection = null; // the HubConnection while we are in a room
let me = "";
let room = "";
let whisperTo = ""; // "" while talking to everyone
let roster = []; // names, as last told
let newest = { roster: 0, count: 0 }; // the last change shown: late news is dropped

// ---- connecting

function build(name) {
  const hub = new signalR.HubConnectionBuilder()
    .withUrl(`/chat?user=${encodeURIComponent(name)}`)
    .withAutomaticReconnect([0, 1000, 2000, 5000, 10000, 30000])
    .configureLogging(signalR.LogLevel.Warning)
    .build();
  hub.on("Said", (from, text) => addMessage({ from, text }));
  hub.on("Whispered", (from, to, text) => addMessage({ from, to, text }));
  hub.on("Roster", showRoster);
  hub.on("Count", showCount);
  hub.onreconnecting(() => showState("reconnecting"));
  hub.onreconnected(() => join().catch((error) => showState("disconnected", reason(error))));
  hub.onclose((error) => connection === hub && showState("disconnected", error && reason(error)));
  return hub;
}

// A connection that was lost is forgotten by the server, so its room is joined anew.
async function join() {
  newest = { roster: 0, count: 0 };
  await connection.invoke("Join", room);
  showState("connected");
}

async function connect() {
  connection = build(me);
  await connection.start();
  await join();
}

async function leave() {
  const hub = connection;
  connection = null;
  await hub?.stop();
}

// The text of an error for people: what the hub said, or that nobody answered.
function reason(error) {
  const text = String(error?.message ?? error);
  if (text.includes("HubException: ")) return text.split("HubException: ").pop();
  return /negotiation|failed to connect|could not be found/i.test(text) ? "The server cannot be reached." : text;
}

// ---- showing

const STATES = {
  connected: ["Connected", ""],
  reconnecting: ["Reconnecting…", "The connection was lost. Reconnecting…"],
  disconnected: ["Disconnected", "You are disconnected."],
};

function showState(state, detail = "") {
  document.body.dataset.state = state;
  const [label, notice] = STATES[state];
  const typing = document.activeElement === $("text");
  $("status").textContent = label;
  $("notice-text").textContent = detail ? `${notice} ${detail}` : notice;
  $("notice").hidden = notice === "";
  $("again").hidden = state !== "disconnected";
  $("composer").querySelector("[type=submit]").disabled = state !== "connected";
  if (state === "disconnected") $("again").focus();
  else if (state === "connected" && (typing || document.activeElement === document.body)) $("text").focus();
}

function showView(view) {
  document.body.dataset.view = view;
  $("entry").hidden = view !== "entry";
  $("chat").hidden = view !== "chat";
}

function showRoster(name, version, names) {
  if (name !== room || version <= newest.roster) return;
  if (newest.roster > 0) {
    for (const who of names.filter((n) => !roster.includes(n))) addNote(`${who} joined.`);
    for (const who of roster.filter((n) => !names.includes(n))) addNote(`${who} left.`);
  }
  newest.roster = version;
  roster = names;
  drawRoster();
}

function drawRoster() {
  const focused = document.activeElement?.dataset?.name;
  $("roster").replaceChildren(...roster.map((name) => {
    const row = element(name === me ? "div" : "button", { className: name === me ? "me" : "" });
    row.append(face(name), element("span", { className: "label", textContent: name }));
    if (name === me) {
      row.append(element("small", { textContent: "you" }));
    } else {
      row.type = "button";
      row.dataset.name = name;
      row.title = `Write to ${name} privately`;
      row.setAttribute("aria-label", row.title);
      row.setAttribute("aria-pressed", String(name === whisperTo));
      row.onclick = () => writeTo(name === whisperTo ? "" : name);
    }
    const item = element("li");
    item.append(row);
    return item;
  }));
  if (focused) [...$("roster").querySelectorAll("button")].find((b) => b.dataset.name === focused)?.focus();
}

function showCount(version, count) {
  if (version <= newest.count) return;
  newest.count = version;
  $("count").textContent = `${count} online`;
}

function writeTo(name) {
  whisperTo = name;
  $("private").hidden = name === "";
  $("private-name").textContent = name;
  $("text").placeholder = name ? `Write to ${name}` : `Write to #${room}`;
  drawRoster();
  $("text").focus();
}

function addMessage({ from, to, text }) {
  const last = $("log").lastElementChild;
  const item = element("div", { className: to ? "whisper first" : "said" });
  item.dataset.from = from;
  if (to || last?.dataset.from !== from || last.className.includes("whisper")) {
    item.classList.add("first");
    const by = element("div", { className: "by" });
    by.append(element("b", { textContent: from }));
    if (to) by.append(element("span", { textContent: to === me ? "privately to you" : `privately to ${to}` }));
    by.append(element("time", { textContent: clock(new Date()), dateTime: new Date().toISOString() }));
    item.append(face(from), by);
  }
  item.append(element("div", { className: "text", textContent: text }));
  append(item);
}

function addNote(text) {
  append(element("div", { className: "note", textContent: text }));
}

// Follows the conversation unless the reader has scrolled up.
function append(item) {
  const log = $("log");
  const following = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
  log.append(item);
  while (log.childElementCount > 500) log.firstElementChild.remove();
  if (following) log.scrollTop = log.scrollHeight;
}

// Everything that came from somebody is set as text, never as markup.
function element(tag, properties = {}) {
  return Object.assign(document.createElement(tag), properties);
}

function face(name) {
  const circle = element("span", { className: "face", textContent: [...name][0]?.toUpperCase() ?? "?" });
  const hue = [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7);
  circle.style.setProperty("--hue", hue);
  circle.setAttribute("aria-hidden", "true");
  return circle;
}

function clock(date) {
  return date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

// ---- doing

$("enter").onsubmit = async (event) => {
  event.preventDefault();
  const button = $("enter").querySelector("button");
  me = $("name").value.trim();
  room = $("room").value.trim();
  $("entry-error").textContent = "";
  button.disabled = true;
  try {
    $("log").replaceChildren();
    $("room-name").textContent = room;
    document.title = `#${room} – Hubline chat`;
    await connect();
    showView("chat");
    writeTo("");
  } catch (error) {
    await leave();
    $("entry-error").textContent = reason(error);
    $("name").focus();
  } finally {
    button.disabled = false;
  }
};

$("composer").onsubmit = async (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (!text || document.body.dataset.state !== "connected") return;
  $("send-error").textContent = "";
  $("text").value = "";
  try {
    await (whisperTo ? connection.invoke("Whisper", whisperTo, text) : connection.invoke("Say", text));
  } catch (error) {
    $("send-error").textContent = reason(error);
    $("text").value ||= text;
  }
};

$("text").onkeydown = (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $("composer").requestSubmit();
  } else if (event.key === "Escape" && whisperTo) {
    writeTo("");
  }
};

$("public").onclick = () => writeTo("");

$("again").onclick = async () => {
  $("again").disabled = true;
  try {
    await connect();
    $("text").focus();
  } catch (error) {
    showState("disconnected", reason(error));
  } finally {
    $("again").disabled = false;
  }
};

$("leave").onclick = async () => {
  await leave();
  roster = [];
  document.title = "Hubline chat";
  showView("entry");
  $("name").focus();
};

if (typeof signalR === "undefined") {
  $("entry-error").textContent = "The SignalR client is missing. Run “npm ci” in tests/interop and reload this page.";
  $("enter").querySelector("button").disabled = true;
}

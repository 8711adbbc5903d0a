// What needs a script: alerts as they come, ages that move on, and the keyboard. Every page can be read without it.
"use strict";

const UNITS = [[86400, "d", 2], [3600, "h", 1], [60, "min", 1]];

function age(seconds) {
  const away = Math.abs(seconds);
  if (away < 60) return "now";
  const [size, unit] = UNITS.find(([size, , least]) => away >= size * least);
  const said = `${Math.round(away / size)} ${unit}`;
  return seconds > 0 ? said : `in ${said}`;
}

function updateAges() {
  for (const time of document.querySelectorAll("time[data-age]")) {
    time.textContent = age((Date.now() - Date.parse(time.dateTime)) / 1000);
  }
}
setInterval(updateAges, 20000);

// Alerts. An event says that something changed; the page is then fetched as the server shows it, and what is new in it
// takes its place. So filters, order and wording are made in one place, and what came before the stream opened shows too.
const live = document.getElementById("live");
let stream = null;
let waiting = 0;

function connect() {
  stream?.close();
  stream = null;
  // A browser opens few connections to one host: a tab that nobody looks at gives its own back.
  if (document.hidden || !live.dataset.events) return;
  stream = new EventSource(live.dataset.events);
  stream.addEventListener("open", () => {
    live.dataset.state = "live";
    soon(null);
  });
  stream.addEventListener("error", () => {
    live.dataset.state = "lost";
  });
  stream.addEventListener("alert", (event) => {
    const alert = JSON.parse(event.data).data;
    if (!live.dataset.alert || live.dataset.alert === alert.id) soon(alert);
  });
}

function soon(alert) {
  clearTimeout(waiting);
  waiting = setTimeout(() => refresh(alert), 80);
}

async function refresh(alert) {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const list = document.getElementById("alerts");
  if (list) takeOver(list, page.getElementById("alerts"));
  else if (same(document.getElementById("one"), page.getElementById("one"))) return;
  else document.getElementById("main").replaceChildren(...page.getElementById("main").childNodes);
  if (alert) live.textContent = `${alert.severity}, ${alert.change}: ${alert.headline}`;
}

function same(old, fresh) {
  return old?.dataset.version === fresh?.dataset.version;
}

// Rows that are the same stay as they are, so that focus, selection and the reader's place are kept.
function takeOver(list, fresh) {
  const known = new Map([...list.children].map((item) => [item.id, item]));
  const items = [...fresh.children].map((item) => {
    const old = known.get(item.id);
    if (same(old, item)) return old;
    if (old?.classList.contains("at")) item.classList.add("at");
    item.classList.add("new");
    return item;
  });
  items.forEach((item, place) => {
    if (list.children[place] !== item) list.insertBefore(item, list.children[place] ?? null);
  });
  while (list.children.length > items.length) list.lastElementChild.remove();
  document.querySelector("main > .empty")?.toggleAttribute("hidden", items.length > 0);
}

document.addEventListener("visibilitychange", connect);
connect();

// Keys: / j k Enter g-a g-s g-o ?
const places = { a: "/", s: "/search", o: "/sources" };
let going = false;

function walk(step) {
  const items = [...document.querySelectorAll("[data-walk] > li:not(.day), .origins .copy")];
  if (!items.length) return;
  const at = items.findIndex((item) => item.classList.contains("at"));
  const next = at < 0 ? (step > 0 ? 0 : items.length - 1) : Math.max(0, Math.min(items.length - 1, at + step));
  items[at]?.classList.remove("at");
  items[next].classList.add("at");
  items[next].querySelector(".open")?.focus({ preventScroll: true });
  items[next].scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.getElementById("keys").open) return;
  if (event.target.matches("input, textarea, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (going) {
    going = false;
    if (places[event.key]) location.href = places[event.key];
    return;
  }
  if (event.key === "/") {
    event.preventDefault();
    const field = document.getElementById("q");
    field.focus();
    field.select();
  } else if (event.key === "j") walk(1);
  else if (event.key === "k") walk(-1);
  else if (event.key === "g") going = true;
  else if (event.key === "?") document.getElementById("keys").showModal();
});

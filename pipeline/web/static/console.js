// What needs a script: alerts as they come, ages that move on, and the keyboard. Every page works without it.
"use strict";

const UNITS = [[86400, "d"], [3600, "h"], [60, "min"]];

function age(seconds) {
  if (Math.abs(seconds) < 60) return "now";
  const [size, unit] = UNITS.find(([size]) => Math.abs(seconds) >= size * (size === 86400 ? 2 : 1));
  const said = `${Math.round(Math.abs(seconds) / size)} ${unit}`;
  return seconds > 0 ? said : `in ${said}`;
}

function updateAges() {
  for (const time of document.querySelectorAll("time[data-age]")) {
    time.textContent = age((Date.now() - Date.parse(time.dateTime)) / 1000);
  }
}
setInterval(updateAges, 20000);

// Alerts: an event says that something changed; the list is then fetched as the server shows it.
const live = document.getElementById("live");
const list = document.getElementById("alerts");
if (live && list) {
  const events = new EventSource(live.dataset.events);
  let timer = 0;
  let latest = null;
  events.addEventListener("alert", (event) => {
    latest = JSON.parse(event.data);
    clearTimeout(timer);
    timer = setTimeout(refresh, 80);
  });
  async function refresh() {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("alerts");
    for (const item of fresh.children) {
      const known = document.getElementById(item.id);
      if (!known || known.dataset.sequence !== item.dataset.sequence) item.classList.add("new");
    }
    const at = list.querySelector(".at");
    list.replaceChildren(...fresh.children);
    if (at) document.getElementById(at.id)?.classList.add("at");
    document.querySelector(".alerts + .empty")?.toggleAttribute("hidden", list.children.length > 0);
    if (latest) live.textContent = `${latest.severity}, ${latest.change}: ${latest.headline}`;
  }
}

// Keys: / j k Enter g-a g-s g-o ?
const places = { a: "/", s: "/search", o: "/sources" };
let going = false;

function walk(step) {
  const items = [...document.querySelectorAll("[data-walk] > li")];
  if (!items.length) return;
  const at = items.findIndex((item) => item.classList.contains("at"));
  const next = at < 0 ? (step > 0 ? 0 : items.length - 1) : Math.max(0, Math.min(items.length - 1, at + step));
  items[at]?.classList.remove("at");
  items[next].classList.add("at");
  items[next].querySelector(".open")?.focus({ preventScroll: true });
  items[next].scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
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

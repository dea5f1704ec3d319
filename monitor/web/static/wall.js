// The wall's own: walking the map, filter, search, sound, help.
"use strict";

const CHIME_EVERY = 30000;
const search = document.getElementById("search");
const help = document.getElementById("help");
const tiles = () => [...document.querySelectorAll("#map .tile")];
const state = { bucket: "", known: null, sound: localStorage.getItem("sound") === "on", audio: null, chimed: -CHIME_EVERY };

// ---- search and filter: the rest dims, nothing disappears or moves ----
function fold(text) {
  return text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "").replaceAll("đ", "d").replace(/[^0-9a-z]+/g, " ").trim();
}

function hits() {
  const wanted = fold(search.value);
  return tiles().filter((tile) =>
    (!state.bucket || tile.dataset.bucket === state.bucket) && (!wanted || ` ${tile.dataset.words}`.includes(` ${wanted}`)));
}

function dim() {
  const found = new Set(hits());
  const active = Boolean(state.bucket || fold(search.value));
  for (const tile of tiles()) tile.toggleAttribute("data-dim", active && !found.has(tile));
}

function filter(bucket) {
  state.bucket = state.bucket === bucket ? "" : bucket;
  for (const count of document.querySelectorAll(".count")) {
    count.setAttribute("aria-pressed", String(count.dataset.bucket === state.bucket));
  }
  dim();
}

search.addEventListener("input", dim);
search.form.addEventListener("submit", (event) => {
  const first = hits()[0];
  if (first && getComputedStyle(first).display !== "none" && first.offsetParent) {
    event.preventDefault();
    location.href = first.href;
  }
});
document.getElementById("picture").addEventListener("click", (event) => {
  const count = event.target.closest(".count");
  if (count) filter(count.dataset.bucket);
});

// ---- walking the map: one tile takes the Tab key, arrows go by where things are on the screen ----
function rove(tile) {
  const current = document.querySelector('#map .tile[tabindex="0"]');
  if (current && current !== tile) current.tabIndex = -1;
  tile.tabIndex = 0;
}

function settle() {
  const all = tiles();
  const current = all.find((tile) => tile.tabIndex === 0 && tile.hasAttribute("tabindex")) ?? all[0];
  for (const tile of all) tile.tabIndex = tile === current ? 0 : -1;
}

function walk(from, key) {
  const horizontal = key === "ArrowLeft" || key === "ArrowRight";
  const sign = key === "ArrowRight" || key === "ArrowDown" ? 1 : -1;
  const here = from.getBoundingClientRect();
  const middle = (box) => [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
  const [x, y] = middle(here);
  let best = null;
  let least = Infinity;
  for (const tile of tiles()) {
    const [a, b] = middle(tile.getBoundingClientRect());
    const along = sign * (horizontal ? a - x : b - y);
    const aside = Math.abs(horizontal ? b - y : a - x);
    if (tile === from || along < 1 || aside > 2 * along + here.height / 2) continue;
    if (along + 3 * aside < least) [best, least] = [tile, along + 3 * aside];
  }
  if (best) {
    rove(best);
    best.focus();
  }
}

document.getElementById("picture").addEventListener("focusin", (event) => {
  const tile = event.target.closest("#map .tile");
  if (tile) rove(tile);
});

// ---- news: an incident of rank faulty or worse that was not there before pulses and sounds, once ----
document.addEventListener("drawn", (event) => {
  const loud = document.getElementById("panel").dataset.loud.split(" ").filter(Boolean);
  state.known ??= new Set(loud);
  const news = loud.filter((number) => !state.known.has(number));
  for (const number of news) state.known.add(number);
  if (news.length && !event.detail.first) {
    for (const number of news) pulse(...document.querySelectorAll(`#picture [data-incident="${number}"]`));
    chime();
  }
  document.getElementById("map").dataset.old = words.across;
  settle();
  for (const count of document.querySelectorAll(".count")) {
    count.setAttribute("aria-pressed", String(count.dataset.bucket === state.bucket));
  }
  dim();
});

function pulse(...elements) {
  for (const each of elements) {
    const element = each.classList.contains("cell") ? each.querySelector(".cell-head") : each;
    element.setAttribute("data-news", "");
    setTimeout(() => element.removeAttribute("data-news"), 3200);
  }
}

function chime() {
  if (!state.audio || state.audio.state !== "running" || performance.now() - state.chimed < CHIME_EVERY) return;
  state.chimed = performance.now();
  for (const [number, pitch] of [880, 660].entries()) {
    const begin = state.audio.currentTime + number * 0.45;
    const tone = new OscillatorNode(state.audio, { type: "sine", frequency: pitch });
    const volume = new GainNode(state.audio, { gain: 0 });
    volume.gain.setValueAtTime(0, begin);
    volume.gain.linearRampToValueAtTime(0.4, begin + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.001, begin + 0.5);
    tone.connect(volume).connect(state.audio.destination);
    tone.start(begin);
    tone.stop(begin + 0.55);
  }
}

function showSound() {
  const running = state.audio?.state === "running";
  const text = !state.sound ? words["sound-off"] : running ? words["sound-on"] : words["sound-ask"];
  say("sound-text", localStorage.getItem("sound") === null ? words["sound-ask"] : text);
  const button = document.getElementById("sound");
  button.setAttribute("aria-pressed", String(state.sound && running));
  button.querySelector("use").setAttribute("href", state.sound && running ? "#g-bell" : "#g-mute");
}

async function switchSound() {
  // Browsers let a page sound only after a gesture: the first press after a reload wakes it.
  const asleep = state.sound && state.audio?.state !== "running";
  state.sound = asleep || !state.sound;
  localStorage.setItem("sound", state.sound ? "on" : "off");
  if (state.sound) {
    state.audio ??= new AudioContext();
    await state.audio.resume();
  } else await state.audio?.suspend();
  showSound();
}

document.getElementById("sound").addEventListener("click", switchSound);
document.getElementById("help-open").addEventListener("click", () => help.showModal());

// ---- keys ----
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target === search) {
    if (event.key === "Escape") {
      search.value = "";
      dim();
      search.blur();
    }
    return;
  }
  const tile = document.activeElement?.closest?.("#map .tile");
  if (event.key.startsWith("Arrow")) {
    const from = tile ?? document.querySelector('#map .tile[tabindex="0"]');
    if (!from || !from.offsetParent) return;
    event.preventDefault();
    if (tile) walk(tile, event.key);
    else from.focus();
    return;
  }
  const digit = /^[1-9]$/.test(event.key) && document.querySelector(`.count[data-key="${event.key}"]`);
  if (digit) return filter(digit.dataset.bucket);
  const actions = {
    "/": () => { event.preventDefault(); search.focus(); search.select(); },
    "?": () => help.showModal(),
    Escape: () => { if (state.bucket) filter(state.bucket); },
    i: () => document.querySelector(".card a")?.focus(),
    a: take,
    m: switchSound,
    t: switchTheme,
    l: switchLanguage,
  };
  actions[event.key.length === 1 ? event.key.toLowerCase() : event.key]?.();
});

// The card that has the focus, else the first that nobody took.
function take() {
  const card = document.activeElement?.closest?.(".card") ?? document.querySelector(".card:has([data-act])");
  if (card?.dataset.incident) openAct("acknowledge", card.dataset.incident);
}

settle();
showSound();
document.getElementById("map").dataset.old = words.across;

// The phone: once the verdict has scrolled away, the bar at the top takes its colour and says it.
let watched = null;
const watcher = new IntersectionObserver(([entry]) => root.toggleAttribute("data-scrolled", !entry.isIntersecting));
function watchVerdict() {
  say("short", document.title);
  const verdict = document.getElementById("verdict");
  if (verdict === watched) return;
  watcher.disconnect();
  watcher.observe(verdict);
  watched = verdict;
}
document.addEventListener("drawn", watchVerdict);
watchVerdict();

// Follows the stream: draws the picture again when something changed, and says so when the server is lost.
// A picture is never half old: it is fetched whole and put in place in one go.
"use strict";

const root = document.documentElement;
const picture = document.getElementById("picture");
const words = JSON.parse(document.getElementById("words").textContent);
const TICK = 250;
const SILENCE = 5000 - 2 * TICK;  // noticed at a tick, so that it is told within five seconds
const RETRIES = [1000, 2000, 4000, 8000, 10000];
const REDRAW = 10000;
const PAUSE = 1000;
const BACK_SHOWN = 10000;

const live = {
  source: null, heard: performance.now(), skew: 0, begun: performance.now(), drawn: 0, last: null,
  age: null, ageAt: 0, banners: [], attempt: 0, retry: null, drawing: false, again: false, failing: null, tried: 0, tag: "", back: null,
};

function format(text, ...values) {
  return text.replace(/%(?:\((\w+)\))?[sd]/g, (_, name) => (name ? values[0][name] : values.shift()));
}

function duration(seconds) {
  seconds = Math.max(0, Math.floor(seconds));
  const [s, m, h, d] = words.durations;
  const two = (large, count, small, rest) => format(large, count) + (rest ? " " + format(small, rest) : "");
  if (seconds < 60) return format(s, seconds);
  if (seconds < 3600) return format(m, Math.floor(seconds / 60));
  if (seconds < 86400) return two(h, Math.floor(seconds / 3600), m, Math.floor((seconds % 3600) / 60));
  return two(d, Math.floor(seconds / 86400), h, Math.floor((seconds % 86400) / 3600));
}

const zone = { timeZone: "Asia/Ho_Chi_Minh" };
const clockFormat = new Intl.DateTimeFormat("en-GB", { ...zone, hour: "2-digit", minute: "2-digit", second: "2-digit" });
const clock = (milliseconds) => clockFormat.format(new Date(milliseconds));
const serverNow = () => Date.now() + live.skew;

function say(id, text) {
  const element = document.getElementById(id);
  if (element && element.textContent !== text) element.textContent = text;
}

function tick() {
  const now = serverNow();
  say("clock", clock(now));
  if (root.dataset.state === "live") {
    const failing = live.failing !== null && performance.now() - live.failing > SILENCE;
    if (failing || performance.now() - live.heard > SILENCE) lose();
    else showAge();
    for (const each of document.querySelectorAll("[data-since]")) {
      const text = duration(now / 1000 - Number(each.dataset.since));
      if (each.textContent !== text) each.textContent = text;
    }
    for (const each of document.querySelectorAll("[data-ago]")) {
      const text = format(words.ago, duration(now / 1000 - Number(each.dataset.ago)));
      if (each.textContent !== text) each.textContent = text;
    }
    const due = live.failing === null ? live.drawn + REDRAW : live.tried + PAUSE;
    if (performance.now() > due && !live.drawing) draw();
  } else if (root.dataset.state === "waiting") {
    if (performance.now() - live.begun > SILENCE) lose();
  } else {
    showLost();
  }
}

function showAge() {
  const first = picture.querySelector("[data-late]");  // the root carries the same name as a sign
  const limit = first ? Number(first.dataset.late) : 10;
  if (live.age === null) {
    root.setAttribute("data-late", "");
    return say("freshness-text", words.nothing);
  }
  const age = live.age + (performance.now() - live.ageAt) / 1000;
  root.toggleAttribute("data-late", age > limit);
  say("freshness-text", format(age > limit ? words.late : words.fresh, duration(Math.max(1, age))));
}

function showLost() {
  const stopped = live.last;
  say("lost-since", stopped ? format(words.stopped, clock(stopped)) : words.never);
  say("lost-attempt", format(words.retry, live.attempt));
  say("freshness-text", stopped ? format(words.old, duration((serverNow() - stopped) / 1000)) : words.nothing);
}

function showBanners() {
  const box = document.getElementById("banners");
  const texts = live.banners.filter((name) => words[name]).map((name) => [name, words[name]]);
  if (live.back) texts.push(["back", live.back]);
  const signature = JSON.stringify(texts);
  if (box.dataset.shown === signature) return;
  box.dataset.shown = signature;
  box.replaceChildren(...texts.map(([name, text]) => {
    const banner = document.createElement("span");
    banner.className = `banner ${name}`;
    banner.textContent = text;
    return banner;
  }));
}

function lose() {
  if (root.dataset.state === "lost") return;
  root.dataset.state = "lost";
  root.removeAttribute("data-late");
  live.attempt = Math.max(live.attempt, 1);
  showLost();
  reconnect(0);
}

function connect() {
  const source = new EventSource("/api/v1/stream");
  live.source = source;
  for (const name of ["snapshot", "status", "transition", "incident", "beat"]) {
    source.addEventListener(name, (event) => {
      if (live.source === source) hear(name, JSON.parse(event.data));
    });
  }
  source.onerror = () => {
    if (live.source === source) reconnect(RETRIES[Math.min(live.attempt, RETRIES.length - 1)]);
  };
}

function reconnect(wait) {
  live.source?.close();
  live.source = null;
  clearTimeout(live.retry);
  live.retry = setTimeout(() => {
    live.attempt += 1;
    connect();
    // A connection that hangs is as good as none.
    live.retry = setTimeout(() => {
      if (root.dataset.state !== "live") reconnect(0);
    }, RETRIES[RETRIES.length - 1]);
  }, wait);
}

function hear(name, content) {
  live.heard = performance.now();
  const beat = name === "beat" ? content : content.beat;
  if (beat) {
    const time = Date.parse(beat.time);
    live.skew = time - Date.now();
    live.age = beat.data_age_seconds;
    live.ageAt = performance.now();
    live.banners = beat.banners;
    showBanners();
  }
  if (name !== "beat") draw();
  else if (root.dataset.state === "live") live.last = live.failing === null ? serverNow() : live.last;
  else if (!live.drawing) draw();
  document.dispatchEvent(new CustomEvent("heard", { detail: { name, content } }));
}

// Fetches the picture; what changes meanwhile makes it fetch once more. One that cannot be had is a lost server too,
// however well the stream goes: what is shown would be frozen.
async function draw() {
  if (live.drawing) {
    live.again = true;
    return;
  }
  live.drawing = true;
  let begun = performance.now();
  try {
    do {
      live.again = false;
      begun = performance.now();
      await fetchPicture();
      regain();
      if (live.again) await new Promise((resolve) => setTimeout(resolve, PAUSE));
    } while (live.again);
  } catch (error) {
    if (!(error instanceof TypeError || error.name === "TimeoutError" || error instanceof Refused)) throw error;
    live.failing ??= begun;
  } finally {
    live.drawing = false;
    live.tried = performance.now();
  }
}

class Refused extends Error {}

async function fetchPicture() {
  const signal = AbortSignal.timeout(SILENCE);
  const headers = live.tag ? { "If-None-Match": live.tag } : {};
  const answer = await fetch(picture.dataset.source, { signal, headers, cache: "no-store" });
  if (answer.status === 404) return location.reload();
  if (answer.status !== 304) {
    if (!answer.ok) throw new Refused(answer.statusText);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
    const first = live.tag === "";
    morphChildren(picture, fresh);
    live.tag = answer.headers.get("ETag") ?? "";
    const title = picture.querySelector("[data-title]");
    if (title) document.title = title.dataset.title;
    document.dispatchEvent(new CustomEvent("drawn", { detail: { first } }));
  }
  live.drawn = performance.now();
  live.failing = null;
}

function regain() {
  // A picture that comes although the stream is silent doesn't count.
  if (performance.now() - live.heard > SILENCE) return;
  if (root.dataset.state === "lost" && live.last) {
    const gone = duration((serverNow() - live.last) / 1000);
    live.back = format(words.back, { at: clock(serverNow()), time: gone });
    setTimeout(() => { live.back = null; showBanners(); }, BACK_SHOWN);
    showBanners();
  }
  clearTimeout(live.retry);
  live.attempt = 0;
  live.last = serverNow();
  root.dataset.state = "live";
  tick();
}

function remember(name, value) {
  document.cookie = `${name}=${value}; path=/; max-age=315360000; samesite=lax`;
}

function switchTheme() {
  const theme = root.dataset.theme === "dark" ? "light" : "dark";
  remember("theme", theme);
  location.reload();
}

function switchLanguage() {
  const link = document.getElementById("language");
  remember("lang", link.hreflang);
  location.reload();
}

document.getElementById("language")?.addEventListener("click", (event) => { event.preventDefault(); switchLanguage(); });
document.getElementById("theme")?.addEventListener("click", (event) => { event.preventDefault(); switchTheme(); });
document.addEventListener("visibilitychange", tick);
live.attempt = 0;
connect();
setInterval(tick, TICK);

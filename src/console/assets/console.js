// Pages stay current by themselves, and tell how long ago things were. Without this script they work all the same.
"use strict";
(() => {
  const ago = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "long" });
  const steps = [[60, "second"], [3600, "minute"], [86400, "hour"], [2592000, "day"], [31536000, "month"], [Infinity, "year"]];
  const sizes = { second: 1, minute: 60, hour: 3600, day: 86400, month: 2592000, year: 31536000 };

  const relative = () => {
    for (const time of document.querySelectorAll("time[datetime]")) {
      const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
      const [, unit] = steps.find(([limit]) => Math.abs(seconds) < limit);
      const text = Math.abs(seconds) < 10 ? "just now" : ago.format(Math.round(seconds / sizes[unit]), unit);
      if (time.textContent !== text) time.textContent = text;
    }
  };

  // A table or picture that is wider than its place begins at its end: what is new stands there.
  const toEnd = () => {
    for (const scroll of document.querySelectorAll(".swim-scroll")) scroll.scrollLeft = scroll.scrollWidth;
  };

  // What a link in the picture leads to may be folded away.
  const unfold = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let up = target.closest("details"); up; up = up.parentElement.closest("details")) up.open = true;
    target.scrollIntoView({ block: "center" });
    if (target.hasAttribute("tabindex")) target.focus({ preventScroll: true });
  };

  // Makes the old node what the new one is, and leaves alone whatever is the same: focus, selection, scrolling and
  // what is folded open stay.
  const become = (old, fresh) => {
    if (old.isEqualNode(fresh)) return;
    if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || old.id !== fresh.id) {
      old.replaceWith(fresh);
      return;
    }
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
      return;
    }
    const kept = (name) => (old.nodeName === "DETAILS" && name === "open") || (old.nodeName === "INPUT" && name === "value");
    for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !kept(name)) old.removeAttribute(name);
    for (const { name, value } of [...fresh.attributes]) if (old.getAttribute(name) !== value && !kept(name)) old.setAttribute(name, value);
    const was = [...old.childNodes];
    const next = [...fresh.childNodes];
    // What is the same at the end is left there, so that something new in the middle moves nothing.
    let end = 0;
    while (end < Math.min(was.length, next.length) && was[was.length - 1 - end].isEqualNode(next[next.length - 1 - end])) end += 1;
    const [wasMiddle, nextMiddle] = [was.slice(0, was.length - end), next.slice(0, next.length - end)];
    // What has an id is taken away where that is gone, and put in where it is new: a list that loses its first and
    // gains a last keeps all others.
    const [known, wanted] = [wasMiddle, nextMiddle].map((nodes) => new Set(nodes.map((node) => node.id).filter(Boolean)));
    const stays = (node) => !node.id || wanted.has(node.id);
    for (const node of wasMiddle) if (!stays(node)) node.remove();
    const left = wasMiddle.filter(stays);
    let at = 0;
    for (const node of nextMiddle) {
      const isNew = node.id && !known.has(node.id);
      if (isNew || at >= left.length) old.insertBefore(node, left[at] ?? was[was.length - end] ?? null);
      else become(left[at++], node);
    }
    for (const node of left.slice(at)) node.remove();
  };

  const live = document.getElementById("live");
  const note = (text) => {
    const place = document.getElementById("note");
    if (place) place.textContent = text;
  };
  let asked = null;
  let again = false;
  let timer = 0;
  let took = 0;

  const refresh = async () => {
    timer = 0;
    if (asked) { again = true; return; }
    const begun = performance.now();
    try {
      asked = fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store", redirect: "error" });
      const answer = await asked;
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("live");
      if (!fresh) throw new Error("no page");
      // The texts of times and the note are ours.
      const told = new Map();
      for (const time of live.querySelectorAll("time[datetime]")) told.set(time.dateTime, time.textContent);
      for (const time of fresh.querySelectorAll("time[datetime]")) time.textContent = told.get(time.dateTime) ?? time.textContent;
      become(live, document.importNode(fresh, true));
      document.title = page.title;
      relative();
      note("Updated just now.");
    } catch {
      note("This page could not be brought up to date. Reload it.");
    } finally {
      asked = null;
      took = performance.now() - begun;
      if (again) { again = false; soon(); }
    }
  };

  // What follows at once is shown with it, and a page that takes long is asked for less often. However much is said,
  // nothing is put off for longer than that.
  const soon = () => {
    timer ||= setTimeout(refresh, Math.min(Math.max(120, 2 * took), 2000));
  };

  if (live) {
    const source = new EventSource(live.dataset.live);
    let lost = 0;
    source.onmessage = soon;
    source.onopen = () => {
      clearTimeout(lost);
      if (lost) soon();
      else note("This page stays current by itself.");
      lost = 0;
    };
    // A stream ends now and then and begins again at once: only what lasts is worth a word.
    source.onerror = () => {
      lost ||= setTimeout(() => note("The connection is lost; trying again."), 8000);
    };
    window.addEventListener("pagehide", () => source.close());
  }
  relative();
  setInterval(relative, 15000);
  toEnd();
  unfold();
  window.addEventListener("hashchange", unfold);
})();

// Keeps the development pages current: new emails and states appear in the inbox, and the gallery reloads itself when a
// template changes. Everything else on these pages works without JavaScript.
(() => {
  "use strict";
  const { live, version } = document.body.dataset;
  if (!live) return;

  const VISIBLE_MS = 1000;
  const HIDDEN_MS = 5000;
  const title = document.title;
  const connection = document.getElementById("connection");
  let current = version;
  let unseen = 0;
  let timer;

  const ids = (root) => [...root.querySelectorAll(".row[data-id]")].map((row) => row.dataset.id);

  function announce(count) {
    if (!count) return;
    connection.textContent = count === 1 ? "1 new email" : `${count} new emails`;
    if (document.hidden) {
      unseen += count;
      document.title = `(${unseen}) ${title}`;
    }
  }

  function replace(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    const list = document.getElementById("live-list");
    const known = new Set(ids(list));
    const focused = document.activeElement?.getAttribute("href");
    const menuIsOpen = list.querySelector("details[open]") !== null;
    for (const part of document.querySelectorAll("[data-live-part]")) {
      const update = fresh.getElementById(part.id);
      if (update && update.innerHTML !== part.innerHTML) part.replaceChildren(...update.childNodes);
    }
    const added = ids(list).filter((id) => !known.has(id));
    for (const id of added) list.querySelector(`[data-id="${id}"]`).classList.add("is-new");
    if (menuIsOpen) list.querySelector("details")?.setAttribute("open", "");
    if (focused) list.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    announce(added.length);
  }

  async function check() {
    clearTimeout(timer);
    try {
      const response = await fetch(live, { headers: { "If-None-Match": current }, cache: "no-store" });
      if (response.ok) {
        const html = await response.text();
        current = response.headers.get("ETag") ?? current;
        if (!html) return location.reload();
        replace(html);
      } else if (response.status === 304 && connection.dataset.lost) {
        connection.textContent = "";
      }
      delete connection.dataset.lost;
    } catch {
      connection.textContent = "The server doesn't respond.";
      connection.dataset.lost = "true";
    }
    timer = setTimeout(check, document.hidden ? HIDDEN_MS : VISIBLE_MS);
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    unseen = 0;
    document.title = title;
    check();
  });
  timer = setTimeout(check, VISIBLE_MS);
})();

// What the link pages share. Tokens come in the fragment and leave the address bar at once.

export const given = new URLSearchParams(location.hash.slice(1));
if (location.hash) history.replaceState(null, "", location.pathname);

export const at = (id) => document.getElementById(id);

/** Show exactly these sections of the page; the others are hidden. Focus does not get lost in a hidden one. */
export function show(...ids) {
  const left = document.activeElement?.closest("[data-part]");
  for (const section of document.querySelectorAll("[data-part]")) {
    section.hidden = !ids.includes(section.id);
  }
  if (left?.hidden) at("status").focus();
}

/** Say something where screen readers notice it. */
export function say(text, isError = false) {
  const status = at("status");
  status.textContent = text;
  status.className = isError ? "error" : "";
}

/** Make an element: attributes by name (on…: a listener; false and undefined: none), then its children. */
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== false && value !== undefined) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** The token of a personal link: from the address, or from before this page was loaded again. */
export function personalToken() {
  const key = `link:${location.pathname}`;
  if (given.get("token")) sessionStorage.setItem(key, given.get("token"));
  return sessionStorage.getItem(key);
}

/** Forget a personal link that is not good any more. */
export function forgetToken() {
  sessionStorage.removeItem(`link:${location.pathname}`);
}

/** An instant, in the time zone of whoever reads it. */
export const when = (instant) => new Date(instant).toLocaleString("en", {
  weekday: "short", month: "short", day: "numeric", hour: "numeric", minute: "2-digit", timeZoneName: "short",
});

/** A day: of an instant in the reader's zone, or a date as it stands. */
export const day = (text) => new Date(text.length === 10 ? `${text}T12:00` : text).toLocaleDateString("en", {
  year: "numeric", month: "short", day: "numeric",
});

export const money = (amount, currency) => amount.toLocaleString("en", { style: "currency", currency });

export const percent = (rate) => rate === null ? "\u2014" : rate.toLocaleString("en", {
  style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1,
});

/** Call the gateway; answers {ok, status, body}, also when it cannot be reached. */
export async function call(method, path, body, token) {
  const headers = { "content-type": "application/json" };
  if (token) headers.authorization = `Bearer ${token}`;
  try {
    const response = await fetch(path, {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    return { ok: response.ok, status: response.status, body: text ? JSON.parse(text) : {} };
  } catch {
    return { ok: false, status: 0, body: {} };
  }
}

/** Why a call failed, for people. */
export function reason(answer, refused) {
  if (answer.status === 0 || answer.status >= 500) return "The server does not answer just now. Please try again in a moment.";
  if (answer.status === 429) return "That was tried too often. Please wait a while.";
  if (answer.body.code === "weak_password") return answer.body.msg;
  return refused;
}

/** Run an async handler when a form is sent, once at a time; its button keeps the focus meanwhile. */
export function onSend(form, handler) {
  let isBusy = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isBusy) return;
    const button = form.querySelector("button");
    isBusy = true;
    button.setAttribute("aria-disabled", "true");
    say("");
    try {
      await handler(new FormData(form));
    } finally {
      isBusy = false;
      button.removeAttribute("aria-disabled");
    }
  });
}

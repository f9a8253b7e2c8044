// What the link pages share. Tokens come in the fragment and leave the address bar at once.

export const given = new URLSearchParams(location.hash.slice(1));
if (location.hash) history.replaceState(null, "", location.pathname);

export const at = (id) => document.getElementById(id);

/** Show exactly these sections of the page; the others are hidden. */
export function show(...ids) {
  for (const section of document.querySelectorAll("[data-part]")) {
    section.hidden = !ids.includes(section.id);
  }
}

/** Say something where screen readers notice it. */
export function say(text, isError = false) {
  const status = at("status");
  status.textContent = text;
  status.className = isError ? "error" : "";
}

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

/** Run an async handler when a form is sent, with its button disabled meanwhile. */
export function onSend(form, handler) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    say("");
    try {
      await handler(new FormData(form));
    } finally {
      button.disabled = false;
    }
  });
}

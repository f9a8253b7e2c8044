import { at, call, given, reason, say, show } from "./links.js";

const token = given.get("token");
const scope = document.body.dataset.scope;

async function begin() {
  if (!token) return show("missing");
  const answer = await call("POST", "/links/check", { token, scope });
  if (!answer.ok) {
    show("missing");
    return say(reason(answer, "This link is not valid: it is too old, or was withdrawn. Ask for a new one."), true);
  }
  at("person").textContent = answer.body.person;
  at("organization").textContent = answer.body.organization;
  at("until").textContent = new Date(answer.body.expires_at).toLocaleString();
  show("open");
}

begin();

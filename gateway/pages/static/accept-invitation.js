import { at, call, day, given, onSend, reason, say, show } from "./links.js";

const token = given.get("token") ?? given.get("token_hash");

show(token ? "accept" : "missing");
if (token) tellWhatFor();

/** What the invitation is for; or that it is good no longer, before somebody thinks of a password. */
async function tellWhatFor() {
  const { ok, body } = await call("POST", "/functions/v1/validate-invite", { token });
  if (!ok) return;
  if (!body.valid) return say("This invitation is not valid any more. Ask an admin for a new one.", true);
  at("organization").textContent = body.organization_name;
  at("role").textContent = body.role;
  at("expires").textContent = day(body.expires_at);
  at("what-for").hidden = false;
}

onSend(at("accept-form"), async (values) => {
  const data = { invitation_token: token };
  if (values.get("full_name").trim()) data.full_name = values.get("full_name").trim();
  const answer = await call("POST", "/auth/v1/signup", { password: values.get("password"), data });
  if (!answer.ok) {
    return say(reason(answer, "This did not work: the invitation is too old or was used before, or the password is not that of your account."), true);
  }
  at("who").textContent = answer.body.user.email;
  show("done");
  say("Welcome. Your account is ready.");
});

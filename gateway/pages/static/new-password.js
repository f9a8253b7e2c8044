import { at, call, given, onSend, reason, say, show } from "./links.js";

const REFUSED = "This link cannot be used: it is too old, or was used before. Ask for a new one below.";
const token = given.get("token_hash");
let access = given.get("access_token");

show(token || access ? "set" : "ask");
if (given.has("error")) say(REFUSED, true);

onSend(at("set-form"), async (values) => {
  if (!access) {
    const proof = await call("POST", "/auth/v1/verify", { token_hash: token, type: given.get("type") ?? "recovery" });
    if (!proof.ok) {
      if (proof.status === 400) show("ask");
      return say(reason(proof, REFUSED), true);
    }
    access = proof.body.access_token;
  }
  const answer = await call("PUT", "/auth/v1/user", { password: values.get("password") }, access);
  if (!answer.ok) return say(reason(answer, "The password could not be set. Ask for a new link."), true);
  const out = await call("POST", "/auth/v1/logout?scope=local", undefined, access);
  show("done");
  say(out.ok ? "Your new password is set." : "Your new password is set. Close this page.");
});

onSend(at("ask-form"), async (values) => {
  const answer = await call("POST", "/auth/v1/recover", { email: values.get("email") });
  if (answer.ok) say("If this address belongs to an account, a link is on its way.");
  else say(reason(answer, "Please check the address."), true);
});

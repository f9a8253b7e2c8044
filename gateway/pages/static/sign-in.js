import { at, call, given, onSend, reason, say, show } from "./links.js";

const REFUSED = "This link cannot be used: it is too old, or was used before. Ask for a new one below.";
const token = given.get("token_hash");
let session = null;

function welcome(user) {
  at("who").textContent = user.email;
  show("signed-in");
  say("You are signed in.");
}

async function begin() {
  if (given.has("error")) {
    show("ask");
    say(REFUSED, true);
  } else if (given.has("access_token")) {
    session = { access_token: given.get("access_token") };
    const answer = await call("GET", "/auth/v1/user", undefined, session.access_token);
    if (answer.ok) return welcome(answer.body);
    show("ask");
    say(reason(answer, REFUSED), true);
  } else if (token && given.has("redirect_to")) {
    at("lead-on-token").value = token;
    at("lead-on-type").value = given.get("type") ?? "magiclink";
    at("lead-on-to").value = given.get("redirect_to");
    show("lead-on");
  } else if (token) {
    show("confirm");
  } else {
    show("ask");
  }
}

onSend(at("confirm-form"), async () => {
  const answer = await call("POST", "/auth/v1/verify", { token_hash: token, type: given.get("type") ?? "magiclink" });
  if (answer.ok) {
    session = answer.body;
    return welcome(answer.body.user);
  }
  show("ask");
  say(reason(answer, REFUSED), true);
});

onSend(at("ask-form"), async (values) => {
  const answer = await call("POST", "/auth/v1/otp", { email: values.get("email"), create_user: false });
  if (answer.ok) say("If this address belongs to an account, a sign-in link is on its way.");
  else say(reason(answer, "Please check the address."), true);
});

onSend(at("out-form"), async () => {
  const answer = await call("POST", "/auth/v1/logout?scope=local", undefined, session.access_token);
  if (!answer.ok && answer.status !== 403) return say(reason(answer, "Signing out failed."), true);
  session = null;
  show("ask");
  say("You are signed out.");
});

begin();

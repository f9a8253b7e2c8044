// The unmodified JavaScript client against a gateway. Arguments: one JSON object with url, anonKey, email, password,
// eventId, redirectTo. Where an e-mail is needed, prints {"need": "mail"} and reads {"link", "code"} from standard input.
// Ends with {"done": true, ...what was seen}; any surprise throws.
import assert from "node:assert/strict";
import { createInterface } from "node:readline/promises";
import { createClient } from "@supabase/supabase-js";
import WebSocket from "ws";

const given = JSON.parse(process.argv[2]);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const seen = {};

function client(flowType = "implicit") {
  const kept = new Map();
  return createClient(given.url, given.anonKey, {
    auth: {
      flowType,
      autoRefreshToken: false,
      detectSessionInUrl: false,
      storage: {
        getItem: (key) => kept.get(key) ?? null,
        setItem: (key, value) => void kept.set(key, value),
        removeItem: (key) => void kept.delete(key),
      },
    },
    realtime: { transport: WebSocket },
  });
}

async function mail() {
  console.log(JSON.stringify({ need: "mail" }));
  const { link, code } = JSON.parse((await lines.next()).value);
  return { link, code, fragment: new URLSearchParams(new URL(link).hash.slice(1)) };
}

function good({ data, error, status }) {
  assert.equal(error, null, JSON.stringify({ error, status }));
  return data;
}

async function refusedEverywhere(supabase, session) {
  const me = await supabase.rpc("me");
  assert.equal(me.status, 401);
  for (const path of ["/rest/v1/events?select=id", "/rest/v1/rpc/me"]) {
    const answer = await fetch(given.url + path, {
      headers: { apikey: given.anonKey, authorization: `Bearer ${session.access_token}` },
    });
    assert.equal(answer.status, 401, path);
  }
  const user = await supabase.auth.getUser(session.access_token);
  assert.equal(user.error.name, "AuthSessionMissingError");
  const again = await supabase.auth.refreshSession({ refresh_token: session.refresh_token });
  assert.equal(again.error.code, "refresh_token_not_found");
}

// By password: read, write, call, refresh, sign out.
const byPassword = client();
const wrong = await byPassword.auth.signInWithPassword({ email: given.email, password: "wrong password" });
assert.equal(wrong.error.code, "invalid_credentials");
assert.equal(wrong.error.status, 400);
const first = good(await byPassword.auth.signInWithPassword({ email: given.email, password: given.password }));
assert.equal(first.user.email, given.email);
seen.me = good(await byPassword.rpc("me"));
seen.before = good(await byPassword.from("events").select("id, notes").eq("id", given.eventId).single());
seen.after = good(
  await byPassword.from("events").update({ notes: "written by JavaScript" }).eq("id", given.eventId).select("id, notes").single(),
);
const refreshed = good(await byPassword.auth.refreshSession());
assert.notEqual(refreshed.session.refresh_token, first.session.refresh_token);
good(await byPassword.rpc("me"));
const named = good(await byPassword.auth.updateUser({ data: { nickname: "Js" } }));
assert.equal(named.user.user_metadata.nickname, "Js");
good(await byPassword.auth.signOut());
await refusedEverywhere(byPassword, refreshed.session);

// By the link of an e-mail.
const byLink = client();
good(await byLink.auth.signInWithOtp({ email: given.email }));
const linkMail = await mail();
const linked = good(await byLink.auth.verifyOtp({ token_hash: linkMail.fragment.get("token_hash"), type: "magiclink" }));
assert.equal(linked.user.email, given.email);
good(await byLink.rpc("me"));
const spent = await byLink.auth.verifyOtp({ token_hash: linkMail.fragment.get("token_hash"), type: "magiclink" });
assert.equal(spent.error.code, "invalid_credentials");

// By the code of an e-mail.
const byCode = client();
good(await byCode.auth.signInWithOtp({ email: given.email }));
const coded = good(await byCode.auth.verifyOtp({ email: given.email, token: (await mail()).code, type: "email" }));

// By a link that leads a browser back to the application with a code (PKCE).
const byPkce = client("pkce");
good(await byPkce.auth.signInWithOtp({ email: given.email, options: { emailRedirectTo: given.redirectTo } }));
const pressed = await fetch(given.url + "/auth/v1/verify", {
  method: "POST",
  redirect: "manual",
  headers: { "content-type": "application/x-www-form-urlencoded" },
  body: (await mail()).fragment,
});
assert.equal(pressed.status, 303);
const location = new URL(pressed.headers.get("location"));
assert.ok(location.href.startsWith(given.redirectTo));
const exchanged = good(await byPkce.auth.exchangeCodeForSession(location.searchParams.get("code")));
assert.equal(exchanged.user.email, given.email);

// Signing out everywhere ends the others too.
good(await byPkce.auth.signOut({ scope: "global" }));
await refusedEverywhere(byLink, linked.session);
await refusedEverywhere(byCode, coded.session);

console.log(JSON.stringify({ done: true, ...seen }));
process.exit(0);

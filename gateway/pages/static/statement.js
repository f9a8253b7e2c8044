import { at, call, day, forgetToken, make, money, personalToken, reason, say, show } from "./links.js";

const token = personalToken();

function facts(statement) {
  const known = [
    ["From", day(statement.period_start)], ["To", day(statement.period_end)],
    ["Your commission", money(statement.commission, statement.currency)],
    ["Locked on", day(statement.locked_at)],
  ];
  if (statement.paid_at) known.push(["Paid", `${money(statement.paid_amount, statement.currency)} on ${day(statement.paid_at)}`]);
  else known.push(["Paid", "Not yet"]);
  return known.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]);
}

async function begin() {
  if (!token) return show("missing");
  const answer = await call("POST", "/functions/v1/commission-statement", { token });
  if (!answer.ok) {
    if (answer.status === 404) forgetToken();
    show("missing");
    return say(reason(answer, "This link is not valid: it is too old, or was withdrawn. Ask for a new one."), true);
  }
  const { organization, payee, statement, expires_at } = answer.body;
  at("whose").textContent = `${payee.name} at ${organization.name}. This link is good until ${day(expires_at)}.`;
  if (!statement) return show("none");
  at("statement-title").textContent = statement.name;
  at("facts").replaceChildren(...facts(statement));
  show("statement");
}

begin();

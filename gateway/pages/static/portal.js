import { Fields } from "./fields.js";
import { at, call, day, forgetToken, make, money, onSend, percent, personalToken, reason, say, show, when } from "./links.js";

const PATH = "/functions/v1/portal-pcf";
const INVALID = "This link is not valid: it is too old, or was withdrawn. Ask for a new one.";
const RESULTS = {
  showed_no_offer: "Showed, no offer", showed_offer: "Showed, offer made", closed: "Closed",
  no_show: "No-show", canceled: "Canceled", completed: "Completed",
};
const token = personalToken();
let portal = null;
let reported = null;
let fields = null;

const nameOf = (one) => one.lead_name ?? "A lead without a name";
const about = (one) => [when(one.scheduled_at), one.call_type, one.setter_name && `set by ${one.setter_name}`].filter(Boolean).join(" \u00b7 ");

/** Read everything anew; false, and the page says why, when that is not possible. */
async function load() {
  const answer = await call("POST", PATH, { token });
  if (answer.ok) {
    portal = answer.body;
    draw();
    return true;
  }
  if (answer.status === 404) forgetToken();
  show(portal && answer.status !== 404 ? "calls" : "missing");
  say(reason(answer, INVALID), true);
  return false;
}

function row(one, action) {
  const note = one.is_overdue ? make("span", { class: "tag" }, "Overdue") : null;
  const result = one.call_status === "scheduled" ? null : make("span", { class: "result" }, RESULTS[one.event_outcome ?? one.call_status]);
  const button = one.can_submit
    ? make("button", { type: "button", class: "small", "aria-label": `${action}: ${nameOf(one)}`, onclick: () => open(one, true) }, action)
    : null;
  return make("li", {}, make("div", {}, make("strong", {}, nameOf(one)), " ", note, result, make("p", { class: "hint" }, about(one))), button);
}

function draw() {
  const { organization, closer, pending, upcoming, recent, expires_at } = portal;
  at("whose").textContent = `${closer.name} at ${organization.name}. This link is good until ${day(expires_at)}.`;
  at("pending-title").textContent = pending.length ? `Forms to fill in (${pending.length})` : "Forms to fill in";
  at("pending").replaceChildren(...pending.map((one) => row(one, "Fill in")));
  at("pending-none").hidden = pending.length > 0;
  at("upcoming").replaceChildren(...upcoming.map((one) => row(one, "Fill in")));
  at("upcoming-part").hidden = !upcoming.length;
  at("recent").replaceChildren(...recent.map((one) => row(one, "Change")));
  at("recent-part").hidden = !recent.length;
  drawNumbers(organization.currency);
  drawCommission();
}

function drawNumbers(currency) {
  const { numbers, leaderboard } = portal;
  const known = [
    ["Shows", numbers.shows], ["Show rate", percent(numbers.show_rate)],
    ["Closes", numbers.closes], ["Close rate", percent(numbers.close_rate)],
  ];
  if ("cash_collected" in numbers) known.push(["Cash collected", money(numbers.cash_collected, currency)]);
  at("numbers").replaceChildren(...known.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, String(value)))));

  at("leaderboard-part").hidden = !leaderboard?.length;
  const cell = (line, column, shown) => (column in line ? shown(line[column]) : "\u2014");
  const columns = [
    ["rank", "Place", String], ["name", "Closer", String], ["show_rate", "Show rate", percent], ["close_rate", "Close rate", percent],
    ["closes", "Closes", String], ["cash_collected", "Cash", (amount) => money(amount, currency)],
  ].filter(([column]) => leaderboard?.some((line) => column in line));
  at("leaderboard").replaceChildren(
    make("thead", {}, make("tr", {}, ...columns.map(([, title]) => make("th", { scope: "col" }, title)))),
    make("tbody", {}, ...(leaderboard ?? []).map((line) => make("tr", { class: line.is_self ? "self" : undefined },
      ...columns.map(([column, , shown]) => (column === "name"
        ? make("th", { scope: "row" }, line.is_self ? `${line.name} (you)` : line.name)
        : make("td", {}, cell(line, column, shown))))))),
  );
}

function drawCommission() {
  const { commission } = portal;
  at("commission-part").hidden = commission === null;
  at("commission-none").hidden = commission === null || commission.length > 0;
  at("commission").replaceChildren(...(commission ?? []).map((one) => make("li", {}, make("div", {},
    make("strong", {}, one.name), " ", make("span", { class: "result" }, money(one.commission, one.currency)),
    make("p", { class: "hint" }, `${day(one.period_start)} to ${day(one.period_end)} \u00b7 ${one.paid_at ? `paid on ${day(one.paid_at)}` : "not paid yet"}`)))));
}

function overview() {
  reported = null;
  show("calls");
}

/** The form of a call. isNew: the browser's Back leads to the list again. */
function open(one, isNew) {
  reported = one;
  if (isNew) history.pushState({ view: "report" }, "");
  at("report-title").textContent = nameOf(one);
  at("report-when").textContent = about(one);
  at("problem").textContent = "";
  say("");
  fields = new Fields(at("fields"), portal.form.fields, portal.organization.currency);
  if (one.form) fields.fill(one.form);
  show("report");
  at("report-title").focus();
  scrollTo(0, 0);
}

function refuse(errors) {
  const elsewhere = fields.tell(errors).map(([name, text]) => `${name}: ${text}`);
  const count = Object.keys(errors).length;
  at("problem").textContent = [count === 1 ? "One answer needs another look." : `${count} answers need another look.`, ...elsewhere].join(" ");
}

onSend(at("report-form"), async () => {
  at("problem").textContent = "";
  const missing = fields.missing();
  if (Object.keys(missing).length) return refuse(missing);
  const answer = await call("POST", PATH, { token, event_id: reported.event_id, form: fields.answers() });
  if (answer.ok) return sent(answer.body);
  if (answer.status === 422 && answer.body.errors) return refuse(answer.body.errors);
  if (answer.body.code === "link_not_valid") {
    forgetToken();
    show("missing");
    return say(INVALID, true);
  }
  fields.tell({});
  at("problem").textContent = reason(answer, answer.body.detail);
});

async function sent(form) {
  const who = nameOf(reported);
  const result = RESULTS[form.event_outcome ?? form.call_status];
  if (!await load()) return;
  at("sent-what").textContent = `${who}: ${result}.`;
  const next = portal.pending[0];
  at("next").hidden = !next;
  at("next").textContent = next ? `Next: ${nameOf(next)}` : "";
  show("sent");
  say(next ? `Thank you. Forms left to fill in: ${portal.pending.length}.` : "Thank you. Every call has its form.");
  at("sent-title").focus();
  scrollTo(0, 0);
}

at("next").addEventListener("click", () => open(portal.pending[0], false));
at("back").addEventListener("click", () => history.back());
at("all").addEventListener("click", () => history.back());
addEventListener("popstate", () => {
  say("");
  overview();
});

if (!token) show("missing");
else if (await load()) overview();

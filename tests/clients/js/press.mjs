// A person at one of the link pages: opens an address, fills a form in, presses its button, reads what the page says.
// Arguments: one JSON object {address, script, form, values}. The page's own script runs in a document made from what the
// gateway serves. Prints {status, shown, submitted, location}; shown: ids of visible parts, submitted: a form that the
// browser itself would send.
import { JSDOM } from "jsdom";

const given = JSON.parse(process.argv[2]);
const page = new URL(given.address);
const document = await (await fetch(page.origin + page.pathname)).text();
const dom = new JSDOM(document, { url: given.address, pretendToBeVisual: true });
const { window } = dom;

let busy = 0;
Object.assign(globalThis, {
  document: window.document,
  location: window.location,
  history: window.history,
  FormData: window.FormData,
});
const send = globalThis.fetch;
globalThis.fetch = async (path, options) => {
  busy += 1;
  try {
    return await send(new URL(path, page.origin), options);
  } finally {
    busy -= 1;
  }
};

// Everything the page started has ended when nothing is under way for several turns in a row.
async function settled() {
  for (let quiet = 0; quiet < 20; quiet = busy ? 0 : quiet + 1) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const byHand = {};
window.HTMLFormElement.prototype.submit = () => {};
await import(given.script);
await settled();
if (given.form) {
  const form = window.document.querySelector(given.form);
  for (const [name, value] of Object.entries(given.values ?? {})) form.elements[name].value = value;
  if (!form.checkValidity()) throw new Error("the browser would refuse this form");
  const event = new window.Event("submit", { bubbles: true, cancelable: true });
  if (form.dispatchEvent(event)) {
    byHand.action = form.getAttribute("action");
    byHand.fields = Object.fromEntries(new window.FormData(form));
  }
  await settled();
}
console.log(JSON.stringify({
  status: window.document.getElementById("status").textContent,
  isError: window.document.getElementById("status").className === "error",
  shown: [...window.document.querySelectorAll("[data-part]")].filter((part) => !part.hidden).map((part) => part.id),
  text: Object.fromEntries([...window.document.querySelectorAll("strong[id]")].map((one) => [one.id, one.textContent])),
  submitted: byHand,
  location: window.location.href,
}));
process.exit(0);

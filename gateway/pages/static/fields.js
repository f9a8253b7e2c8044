// A form made from its configuration: fields, when each is asked, what was answered, and what is wrong with it.
import { make } from "./links.js";

const INPUTS = {
  text: { type: "text" },
  number: { type: "text", inputmode: "decimal" },
  money: { type: "text", inputmode: "decimal" },
  date: { type: "date" },
  email: { type: "email" },
  phone: { type: "tel" },
};

/** The answers with what the server assumes when one is left out. waiting: fields that are asked and will have an answer. */
function implied(answers, waiting) {
  if (answers.call_occurred === undefined) return answers;
  const known = { lead_showed: answers.call_occurred, offer_made: false, deal_closed: false, disqualified: false, ...answers };
  for (const name of waiting) delete known[name];
  if (known.call_occurred) known.event_outcome = known.deal_closed ? "closed" : known.offer_made ? "showed_offer" : "showed_no_offer";
  else if (known.non_occurrence_reason === "lead_no_show") known.event_outcome = "no_show";
  return known;
}

const holds = (answer, wanted) => (Array.isArray(answer) ? answer.includes(wanted) : answer === wanted);

/** Is a field asked, given the other answers? */
function isAsked(condition, known) {
  if (!condition) return true;
  const answer = known[condition.field];
  if ("answered" in condition) return (answer !== undefined) === condition.answered;
  if ("equals" in condition) return holds(answer, condition.equals);
  return (condition.in ?? []).some((one) => holds(answer, one));
}

export class Fields {
  /** box: where the fields go; fields: as the server describes them; currency: of amounts. */
  constructor(box, fields, currency) {
    this.fields = fields.map((field) => this.#made(field, currency));
    box.replaceChildren(...this.fields.map((one) => one.element));
    box.onchange = box.oninput = () => this.refresh();
    this.refresh();
  }

  /** Put the answers of an earlier form in. */
  fill(answers) {
    for (const one of this.fields) {
      const value = answers[one.field.name];
      if (value !== undefined) one.write(value);
    }
    this.refresh();
  }

  /** Show what is asked now, and hide the rest; a field that is not asked has no answer, wherever it stands. */
  refresh() {
    let known = {};
    let answers = {};
    for (let round = 0; round <= this.fields.length; round += 1) {
      const before = JSON.stringify(known);
      answers = {};
      const waiting = [];
      for (const one of this.fields.filter(({ field }) => isAsked(field.show_if, known))) {
        const value = one.read();
        if (value !== undefined) answers[one.field.name] = value;
        else if (one.field.required) waiting.push(one.field.name);
      }
      known = implied(answers, waiting);
      if (JSON.stringify(known) === before) break;
    }
    for (const one of this.fields) one.element.hidden = !isAsked(one.field.show_if, known);
    return answers;
  }

  /** The answers to what is asked, without those left empty. */
  answers() {
    return this.refresh();
  }

  /** What is asked and must be answered, and is not, by field. */
  missing() {
    const answers = this.refresh();
    const asked = this.fields.filter((one) => one.field.required && !one.element.hidden && !(one.field.name in answers));
    return Object.fromEntries(asked.map((one) => [one.field.name, "Please answer this."]));
  }

  /** Tell each field what is wrong with it and go to the first; answers those that are not on the page. */
  tell(errors) {
    let first = null;
    for (const one of this.fields) {
      const error = one.element.hidden ? undefined : errors[one.field.name];
      one.tell(error);
      if (error && !first) first = one;
    }
    first?.focus();
    const shown = new Set(this.fields.filter((one) => !one.element.hidden).map((one) => one.field.name));
    return Object.entries(errors).filter(([name]) => !shown.has(name));
  }

  #made(field, currency) {
    const id = `field-${field.name}`;
    const error = make("p", { class: "error", id: `${id}-error`, hidden: true });
    const help = field.help ? make("p", { class: "hint", id: `${id}-help` }, field.help) : null;
    const unit = field.type === "money" ? ` (${currency})` : "";
    const optional = field.required ? null : make("span", { class: "optional" }, " optional");
    const described = [help?.id, error.id].filter(Boolean).join(" ");
    const parts = field.type === "boolean" ? choices(field, id, [["true", "Yes"], ["false", "No"]], "radio")
      : field.type === "multi_select" ? choices(field, id, options(field), "checkbox")
      : single(field, id);
    const element = parts.isGroup
      ? make("fieldset", {
        class: "field", role: parts.role, "aria-describedby": described,
        "aria-required": parts.role === "radiogroup" && field.required ? "true" : undefined,
      }, make("legend", {}, field.label, unit, optional), help, parts.body, error)
      : make("div", { class: "field" }, make("label", { for: id }, field.label, unit, optional), help, parts.body, error);
    if (!parts.isGroup) parts.body.setAttribute("aria-describedby", described);
    const invalid = parts.role === "radiogroup" ? [element] : parts.controls;
    return {
      field, element, read: parts.read, write: parts.write,
      focus: () => (parts.controls.find((one) => one.checked) ?? parts.controls[0]).focus(),
      tell(text) {
        error.textContent = text ?? "";
        error.hidden = !text;
        for (const one of invalid) {
          if (text) one.setAttribute("aria-invalid", "true");
          else one.removeAttribute("aria-invalid");
        }
      },
    };
  }
}

const options = (field) => (field.options ?? []).map((one) => (typeof one === "string" ? [one, one] : [one.value, one.label ?? one.value]));

/** One of two, or any of several. */
function choices(field, id, known, type) {
  const controls = known.map(([value], n) => make("input", { type, id: `${id}-${n}`, name: field.name, value }));
  const body = make("div", { class: "choices" }, ...known.map(([, label], n) => make("label", {}, controls[n], ` ${label}`)));
  const chosen = () => controls.filter((one) => one.checked).map((one) => one.value);
  return {
    isGroup: true, role: type === "radio" ? "radiogroup" : "group", controls, body,
    read: type === "radio"
      ? () => (chosen().length ? chosen()[0] === "true" : undefined)
      : () => (chosen().length ? chosen() : undefined),
    write: (value) => {
      const values = [].concat(value).map(String);
      for (const one of controls) one.checked = values.includes(one.value);
    },
  };
}

/** A text, a number, a day, or one of a list. */
function single(field, id) {
  const named = { id, name: field.name, required: field.required || undefined };
  let control;
  if (field.type === "select") {
    control = make("select", named, make("option", { value: "" }, "Choose"),
      ...options(field).map(([value, label]) => make("option", { value }, label)));
  } else if (field.type === "textarea") {
    control = make("textarea", { ...named, rows: "4", maxlength: "10000" });
  } else {
    control = make("input", { ...named, ...(INPUTS[field.type] ?? INPUTS.text), autocomplete: "off", placeholder: field.placeholder });
  }
  return {
    isGroup: false, controls: [control], body: control,
    read: () => control.value.trim() || undefined,
    write: (value) => { control.value = value; },
  };
}

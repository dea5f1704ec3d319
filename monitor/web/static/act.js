// What an operator does to an incident: take it, note, silence, say what it was. One dialog for all of them.
"use strict";

const actDialog = document.getElementById("act");
const actForm = document.getElementById("act-form");
const act = { kind: "", number: "" };

function showFields(kind, token) {
  for (const label of actForm.querySelectorAll("[data-for]")) {
    const shown = label.dataset.for.split(" ").includes(kind) || (token && label.dataset.for === "token");
    label.hidden = !shown;
    label.querySelector("input, select, textarea").disabled = !shown;
  }
}

function openAct(kind, number) {
  Object.assign(act, { kind, number });
  say("act-title", format(words[`act-${kind}`], number));
  say("act-go", words[`go-${kind}`]);
  say("act-error", "");
  actForm.reset();
  actForm.elements.by.value = sessionStorage.getItem("name") ?? "";
  showFields(kind, false);
  actForm.elements.text.required = kind === "note";
  actDialog.showModal();
}

function actBody() {
  const { by, ticket, text, resolution, until } = actForm.elements;
  const body = { by: by.value.trim() };
  if (act.kind === "acknowledge") body.ticket = ticket.value.trim();
  if (act.kind === "note" || act.kind === "close") body.text = text.value.trim();
  if (act.kind === "close") body.resolution = resolution.value;
  if (act.kind === "silence") {
    if (until.value === "recovery") body.until_recovery = true;
    else if (until.value === "lift") body.lift = true;
    else body.until = new Date(serverNow() + 1000 * Number(until.value)).toISOString();
  }
  return body;
}

// From elsewhere than the server's own machine a token is asked for once, and kept until the tab is closed.
async function doAct() {
  const { by, token } = actForm.elements;
  sessionStorage.setItem("name", by.value.trim());
  if (token.value) sessionStorage.setItem("token", token.value.trim());
  const held = sessionStorage.getItem("token");
  const headers = { "Content-Type": "application/json", ...(held ? { Authorization: `Bearer ${held}` } : {}) };
  let answer;
  try {
    answer = await fetch(`/api/v1/incidents/${act.number}/${act.kind}`, { method: "POST", headers, body: JSON.stringify(actBody()) });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return say("act-error", words["act-lost"]);
  }
  if (answer.ok) {
    actDialog.close();
    say("act-said", words["act-done"]);
    return draw();
  }
  if (answer.status === 401) {
    sessionStorage.removeItem("token");
    showFields(act.kind, true);
    token.value = "";
    token.focus();
    return say("act-error", words["act-token"]);
  }
  const texts = { 403: "act-forbidden", 409: "act-closed", 422: "act-wrong" };
  say("act-error", words[texts[answer.status] ?? "act-failed"]);
}

actForm.addEventListener("submit", (event) => {
  event.preventDefault();
  doAct();
});
document.getElementById("act-cancel").addEventListener("click", () => actDialog.close());
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (button) openAct(button.dataset.act, button.dataset.number);
});

/**
 * The pages' script. Without it, or where one of its requests fails, the forms do the same; so the
 * board also works where a script's root-relative requests do not reach it.
 */
export const SCRIPT = `"use strict";
const find = (id) => document.getElementById(id);
const plain = new WeakSet(); // forms that the browser is to send itself

document.addEventListener("submit", async (event) => {
  const { target: form, submitter } = event;
  const act = actions[form.dataset.do];
  if (!act || plain.has(form)) return;
  event.preventDefault();
  if (form.ariaBusy === "true") return;
  form.ariaBusy = "true";
  try {
    const [path, body, done] = act(form, submitter);
    const answer = await fetch(path, { method: "POST", headers: { accept: "application/json" }, body });
    if (answer.ok) done(await answer.json());
    else {
      plain.add(form);
      form.requestSubmit(submitter);
    }
  } catch {
    find("status").textContent = "There is no connection. Please try again.";
  } finally {
    form.ariaBusy = "false";
  }
});

const fields = (form, submitter) => new URLSearchParams(new FormData(form, submitter));

const actions = {
  move: (form, submitter) => [
    "/jobs/" + form.dataset.job + "/move",
    fields(form, submitter),
    (answer) => {
      show(answer);
      find("job-" + answer.job).querySelector("button").focus();
    },
  ],
  add: (form) => [
    "/jobs",
    fields(form),
    (answer) => {
      show(answer);
      form.reset();
    },
  ],
  upload: (form) => [
    "/upload",
    form.elements.file.files[0],
    ({ bytes }) => {
      find("uploaded").textContent = "Last upload: " + bytes.toLocaleString("en") + " bytes";
      form.reset();
    },
  ],
};

function show({ html, message }) {
  find("columns").innerHTML = html;
  find("status").textContent = message;
}

// A page that frames this one may follow its height.
if (parent !== window) {
  const root = document.documentElement;
  const tell = () => parent.postMessage({ type: "gatepass-height", height: root.offsetHeight }, "*");
  new ResizeObserver(tell).observe(root);
}

if (find("events")) {
  const events = new EventSource(find("events").href);
  events.addEventListener("clock", ({ data }) => (find("clock").textContent = data + " UTC"));
  events.addEventListener("activity", ({ data }) => {
    const item = document.createElement("li");
    item.textContent = data;
    find("activity").prepend(item);
    while (find("activity").children.length > 6) find("activity").lastChild.remove();
  });
  const socket = new WebSocket(find("presence").href.replace(/^http/, "ws"));
  socket.addEventListener("message", ({ data }) => {
    const { windows } = JSON.parse(data);
    find("windows").textContent = ", open in " + windows + (windows === 1 ? " window" : " windows");
  });
  socket.addEventListener("close", () => (find("windows").textContent = ""));
  addEventListener("pagehide", () => socket.close());
}
`;

// Shows what the SDK's elements report. It runs before the SDK does, so that nothing is missed.
const NAMES = { ada: "Ada", ben: "Ben" };
const WORDS = {
  ready: "the app is shown",
  renewed: "the session was renewed, without a reload",
  ended: "the session is over",
  error: "something went wrong",
};
const MOST_LINES = 50;

const log = document.getElementById("log");
const end = document.getElementById("end");

for (const [id, name] of Object.entries(NAMES)) {
  for (const [type, words] of Object.entries(WORDS)) {
    document.getElementById(id).addEventListener(type, ({ detail }) => {
      const { code, message } = detail ?? {};
      tell(`${name}: ${words}${code ? ` (${code})` : ""}${message ? `. ${message}` : ""}`);
    });
  }
}

document
  .getElementById("sdk")
  .addEventListener("error", ({ target }) => tell(`The SDK cannot be loaded from ${target.src}`));

end.addEventListener("click", async () => {
  end.disabled = true;
  try {
    const headers = { "content-type": "application/json" };
    const answer = await fetch("/end-sessions/ada", { method: "POST", headers, body: "{}" });
    const { ended, message } = await answer.json();
    tell(answer.ok ? `Ada: ${ended} of her sessions killed` : `Not ended: ${message}`);
  } catch {
    tell("Not ended: the portal cannot be reached");
  } finally {
    end.disabled = false;
  }
});

function tell(text) {
  const time = document.createElement("time");
  time.textContent = new Date().toLocaleTimeString("en-GB");
  const line = document.createElement("li");
  line.append(time, ` ${text}`);
  log.append(line);
  if (log.children.length > MOST_LINES) log.firstChild.remove();
}

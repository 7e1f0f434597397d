// @ts-check
/**
 * Gatepass's embed SDK; see embed.d.ts. Frames: the app; the keeper, out of sight, whose watch page
 * says whether the session is good; next, the keeper to come; refusal, one that shows an error page.
 * @import { GatepassEmbedElement } from "./embed.js"
 */

/** Five end a session, three are tried again, all others are final. */
const CODES = (
  "session_ended token_expired token_revoked token_disabled authentication_disabled " +
  "upstream_unavailable store_unavailable rate_limited " +
  "token_used token_unknown token_malformed origin_not_allowed cookies_blocked " +
  "address_not_allowed cross_site kind_mismatch app_mismatch invalid_request"
).split(" ");
const ENDING = CODES.slice(0, 5);
const PASSING = CODES.slice(5, 8);

const SECOND = 1000;
/** For an answer, or between looks at the clock; for the word of a frame that has loaded. */
const [PATIENCE, SILENCE] = [30 * SECOND, 10 * SECOND];
const HEIGHT = "--gatepass-height";
const TALLEST = 20_000;

const style = new CSSStyleSheet();
style.replaceSync(`
:host { display: block; position: relative; height: var(${HEIGHT}, 480px); overflow: hidden }
:host([hidden]), [hidden] { display: none }
iframe { position: absolute; width: 100%; height: 100%; border: 0 }
[inert] { opacity: 0 }
p { margin: 1rem; font: 1rem system-ui; color: CanvasText }
div { position: absolute; inset: 1.5rem; opacity: .14; animation: 2s infinite alternate dim;
  background: repeating-linear-gradient(CanvasText 0 1rem, transparent 0 2.25rem) }
@keyframes dim { to { opacity: .05 } }
@media (prefers-reduced-motion: reduce) { div { animation: none } }`);

const failure = (code, words = "", wait = 0) =>
  Object.assign(new Error(words), { code, words, wait });

const codeOf = (error, other = PASSING[0]) => (CODES.includes(error?.code) ? error.code : other);

function webUrl(value) {
  const url = URL.canParse(value) && new URL(value);
  return url && /^https?:$/.test(url.protocol) ? url : undefined;
}

/** A silent frame: does the gate refuse this page, or is it not there? */
async function silenceOf(origin) {
  /** @type {RequestInit} */
  const options = { cache: "no-store", signal: AbortSignal.timeout(SILENCE) };
  const own = await fetch(`${origin}/gatepass/embed.js`, options).catch(() => {});
  return failure(own?.ok ? "origin_not_allowed" : PASSING[0], `${origin} says nothing here`);
}

/** Keeps a session; answers what ends that. @param {GatepassEmbedElement} element @param {ShadowRoot} root */
function keep(element, root) {
  let app, keeper, next, refusal, blocked;
  let home = "";
  /** Times: the next try, the session's end, Retry-After. */
  let [due, end, quiet] = [0, Infinity, 0];
  let failures = 0;
  /** A try is under way; there will be no other. */
  let busy, over;
  /** It has ended but is tried for; the app's frame shows so. */
  let lapsed, stale;
  let timer, limit;
  const halt = new AbortController();
  const skeleton = document.createElement("div");
  let shown = skeleton;

  function show(/** @type {any} */ node = skeleton) {
    shown = node;
    for (const frame of root.querySelectorAll("iframe")) {
      frame.inert = frame !== shown;
      frame.ariaHidden = `${frame.inert}`;
      frame.tabIndex = frame.inert ? -1 : 0;
    }
    skeleton.hidden = shown !== skeleton;
    element.ariaBusy = `${!skeleton.hidden}`;
  }

  function newFrame() {
    const frame = document.createElement("iframe");
    frame.title = element.getAttribute("frame-title") || "Embedded app";
    return frame;
  }

  function newNotice() {
    const notice = root.appendChild(document.createElement("p"));
    notice.role = "alert";
    notice.textContent = "This cannot be shown right now.";
    return notice;
  }

  function emit(name, code = "", message = "") {
    const detail = code ? { code, message } : null;
    element.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** Others' words are left out: they may hold a token. */
  const report = (error) => emit("error", codeOf(error), error?.words);

  /** By the wall clock: timers stand still while a machine sleeps. */
  function look() {
    if (busy || over) return;
    clearTimeout(timer);
    const now = Date.now();
    if (now >= due) return void renew();
    if (now >= end) {
      if (due === Infinity) return close("session_ended");
      lapsed = true;
      end = Infinity;
      show();
      emit("ended", "session_ended");
      if (over) return;
    }
    timer = setTimeout(look, Math.min(due - now, end - now, PATIENCE));
  }

  async function renew() {
    busy = true;
    refusal = undefined;
    try {
      const entry = await ask(false);
      if (over) return;
      entry.search += `${entry.search && "&"}gp-renew=1`;
      take(await open(entry));
    } catch (error) {
      if (!over) fail(error);
    }
    busy = false;
    look();
  }

  async function ask(topLevel) {
    const request = { renew: home !== "", topLevel };
    const { getUrl } = element;
    /** @type {any} */
    const answer = (await (getUrl ? getUrl(request) : post(request))) ?? "";
    const { embedUrl = answer.redirectUrl ?? answer, allowedOrigins } = answer;
    if (allowedOrigins?.length && !topLevel && !allowedOrigins.includes(location.origin)) {
      throw failure("origin_not_allowed", `allowedOrigins lacks ${location.origin}`);
    }
    const entry = webUrl(embedUrl);
    if (!entry) throw failure("invalid_request", "The answer has no http(s) embedUrl");
    return entry;
  }

  async function post(request) {
    const response = await fetch(element.getAttribute("url-endpoint") ?? "", {
      method: "POST",
      credentials: "same-origin",
      headers: { accept: "application/json", "content-type": "application/json" },
      body: JSON.stringify(request),
      signal: AbortSignal.any([halt.signal, AbortSignal.timeout(PATIENCE)]),
    });
    const { ok, status, headers } = response;
    const answer = await response.json().catch((error) => {
      if (!(error instanceof SyntaxError)) throw error;
    });
    if (ok) return answer;
    const passing = status > 499 || [408, 425, 429].includes(status);
    const other = passing ? PASSING[0] : "invalid_request";
    const code = codeOf(answer, other);
    /** @type {any} seconds or a date: RFC 9110, 10.2.3 */
    const after = headers.get("retry-after");
    throw failure(
      PASSING.includes(code) === passing ? code : other,
      `The endpoint answers ${status}`,
      after >= 0 ? after * SECOND : Date.parse(after) - Date.now(),
    );
  }

  /** @returns {Promise<any>} */
  function open({ origin, href }) {
    const frame = newFrame();
    return new Promise((resolve, reject) => {
      const page = (next = { frame, origin, resolve, reject });
      const wait = (time, then) => {
        clearTimeout(limit);
        limit = setTimeout(then, time);
      };
      wait(PATIENCE, () => reject(failure(PASSING[0], `${origin} is slow`)));
      root.append(frame);
      show(shown);
      frame.onload = () => {
        if (next === page) wait(SILENCE, async () => reject(await silenceOf(origin)));
      };
      // As `src`, the token would stay in the DOM and in resource timing.
      frame.contentWindow?.location.replace(href);
    });
  }

  function take({ url, expiresIn }) {
    clearTimeout(limit);
    keeper?.frame.remove();
    keeper = next;
    next = undefined;
    failures = 0;
    lapsed = false;
    due = Infinity;
    expect(expiresIn);
    if (stale || url !== home) return load(url, "ready");
    show(app?.frame);
    emit("renewed");
  }

  /** Renew in the last fifth, 5 s to 5 min before the end. */
  function expect(seconds) {
    end = Date.now() + seconds * SECOND;
    const margin = Math.min(Math.max(seconds / 5, 5), 300, seconds / 2);
    due = Math.min(due, end - margin * SECOND);
  }

  function load(url, event = "") {
    app?.frame.remove();
    const frame = newFrame();
    const page = (app = { frame, origin: new URL(url).origin, refused: false });
    home = url;
    stale = false;
    frame.allow = element.getAttribute("allow") ?? "";
    frame.src = url;
    frame.onload = () => {
      frame.onload = null;
      if (stale || lapsed) return;
      show(frame);
      if (event && !page.refused && !over) emit(event);
    };
    root.append(frame);
    show();
  }

  function fail(error) {
    clearTimeout(limit);
    next?.frame.remove();
    next = undefined;
    if (PASSING.includes(codeOf(error))) {
      const now = Date.now();
      const backOff = Math.min(2 ** failures++, 60) * (0.5 + Math.random() / 2);
      quiet = now + (error?.wait || 0);
      due = Math.max(quiet, now + backOff * SECOND);
      refusal?.frame.remove();
      // Told once, and only who waits for the app.
      if (app || failures > 1) return;
    } else if (app && !lapsed) {
      due = Infinity;
      refusal?.frame.remove();
    } else {
      finish();
      show(refusal?.frame ?? newNotice());
    }
    report(error);
  }

  function close(code, from = keeper) {
    finish();
    lapsed = false;
    if (from === app) show(app.frame);
    else load(home); // an error page by now
    emit("ended", code);
  }

  function finish() {
    over = true;
    clearTimeout(timer);
    clearTimeout(limit);
    next?.frame.remove();
    keeper?.frame.remove();
    next = keeper = undefined;
  }

  function hear({ data, source, origin }) {
    const page = [next, keeper, app, refusal].find(
      (each) => source && each?.frame.contentWindow === source,
    );
    if (page?.origin !== origin) return;
    const { type, event, url, expiresIn, code, height } = data ?? {};
    if (type === "gatepass-height" && page === app && height > 0) {
      const pixels = Math.min(Math.ceil(height), TALLEST);
      if (element.hasAttribute("resize")) element.style.setProperty(HEIGHT, `${pixels}px`);
    }
    if (type !== "gatepass") return;
    if (event === "opened" && expiresIn > 0 && webUrl(url)?.origin === origin) {
      if (page === next) next.resolve(data);
      else if (page === keeper && !lapsed) {
        const before = due;
        expect(expiresIn);
        if (failures || before === Infinity) due = before;
        look();
      }
    } else if (event === "error") {
      if (code === "cookies_blocked") blocked = source;
      hearError(page, codeOf(data, "invalid_request"));
    } else if (event === "open-tab" && source === blocked) {
      openTab();
    }
  }

  function hearError(page, code) {
    if (page === next) {
      refusal = page;
      next = undefined;
      page.reject(failure(code));
    } else if (over || page === refusal) {
      // Told before.
    } else if (page === app && !ENDING.includes(code)) {
      page.refused = true;
      emit("error", code);
    } else if (due === Infinity || (!lapsed && Date.now() < end - 5 * SECOND)) {
      close(code, page);
    } else {
      // By the clock: it is being renewed.
      if (page === app) stale = true;
      if (stale) show();
      if (!lapsed) end = 0;
      look();
    }
  }

  /** The tab comes first, while the click still allows it. */
  async function openTab() {
    const tab = window.open("about:blank");
    if (!tab) return emit("error", "cookies_blocked", "No new tab");
    try {
      const { href } = await ask(true);
      tab.opener = null;
      tab.location.replace(href);
    } catch (error) {
      tab.close();
      if (!halt.signal.aborted) report(error);
    }
  }

  const online = () => {
    if (failures) due = Math.min(due, quiet);
    look();
  };
  const { signal } = halt;
  addEventListener("message", hear, { signal });
  addEventListener("online", online, { signal });
  addEventListener("pageshow", look, { signal });
  document.addEventListener("visibilitychange", look, { signal });
  root.adoptedStyleSheets = [style];
  root.append(skeleton);
  show();
  timer = setTimeout(look);

  return () => {
    finish();
    halt.abort();
    root.replaceChildren();
    element.ariaBusy = null;
    element.style.removeProperty(HEIGHT);
  };
}

/** @implements {GatepassEmbedElement} */
class GatepassEmbed extends HTMLElement {
  static observedAttributes = ["url-endpoint"];

  /** @type {GatepassEmbedElement["getUrl"]} */
  getUrl;
  #root = this.attachShadow({ mode: "open" });
  #release = () => {};

  connectedCallback() {
    this.#release();
    if (this.getUrl || this.hasAttribute("url-endpoint")) this.#release = keep(this, this.#root);
  }

  disconnectedCallback() {
    this.#release();
  }

  attributeChangedCallback(name, before, now) {
    if (this.isConnected && before !== now) this.connectedCallback();
  }
}

if (!customElements.get("gatepass-embed")) customElements.define("gatepass-embed", GatepassEmbed);

/** @type {typeof import("./embed.js").embed} */
export function embed(container, { urlEndpoint, getUrl, resize, title, allow }) {
  if (!urlEndpoint === !getUrl) throw new TypeError("embed() needs urlEndpoint or getUrl");
  const element = document.createElement("gatepass-embed");
  element.getUrl = getUrl;
  const attributes = { "url-endpoint": urlEndpoint, "frame-title": title, allow };
  for (const [name, value] of Object.entries(attributes)) {
    if (value) element.setAttribute(name, value);
  }
  element.toggleAttribute("resize", Boolean(resize));
  container.append(element);
  return element;
}

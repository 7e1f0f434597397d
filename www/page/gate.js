// Asking the gate's API, as whoever the browser is signed in as.

const API = "/gatepass/api";
const PATIENCE = 30_000;

/** The gate has refused: `code` and `field` say what, `detail` says it in English. */
export class Refusal extends Error {
  /** @param {{status: number, code?: string, field?: string, detail?: string, retryAfter?: number | undefined}} problem */
  constructor({ status, code = "", field = "", detail = "", retryAfter }) {
    super(detail);
    this.status = status;
    this.code = code;
    this.field = field;
    /** In seconds, if the gate has said so. */
    this.retryAfter = retryAfter;
  }
}

/** No answer came: the network, or the gate, is away. Whether something was done is not known. */
export class Unreachable extends Error {}

/** The workspace that the page's own URL names, if it does. */
export const chosenWorkspace = () => new URLSearchParams(location.search).get("workspace");

/**
 * Sends a request and returns what the answer holds.
 *
 * @param {string} method
 * @param {string} path below the API, or an absolute one of this host
 * @param {object} [options]
 * @param {Record<string, string | number | null | undefined>} [options.query] without what is empty
 * @param {object} [options.body] sent as JSON
 * @param {Record<string, string>} [options.headers]
 * @param {AbortSignal} [options.signal]
 * @returns {Promise<any>}
 */
export async function ask(method, path, options = {}) {
  const answer = await send(method, path, options);
  if (answer.status === 204) return undefined;
  return answer.json().catch(() => {
    throw new Unreachable();
  });
}

/**
 * The same, with the whole answer.
 *
 * @type {(method: string, path: string, options?: Parameters<typeof ask>[2]) => Promise<Response>}
 */
export async function send(method, path, { query = {}, body, headers = {}, signal } = {}) {
  const url = new URL(path.startsWith("/gatepass/") ? path : API + path, location.origin);
  for (const [name, value] of Object.entries({ workspace: chosenWorkspace(), ...query })) {
    if (value !== null && value !== undefined && value !== "") {
      url.searchParams.set(name, String(value));
    }
  }
  const answer = await attempt(url, {
    method,
    headers: body ? { "content-type": "application/json", ...headers } : headers,
    ...(body && { body: JSON.stringify(body) }),
    cache: "no-store",
    // A proxy that wants people to sign in again redirects.
    redirect: "manual",
    signal: AbortSignal.any([AbortSignal.timeout(PATIENCE), ...(signal ? [signal] : [])]),
  });
  if (answer.type === "opaqueredirect") throw signedOut();
  if (!answer.ok) throw await refusalOf(answer);
  return answer;
}

async function attempt(url, init) {
  try {
    return await fetch(url, init);
  } catch (error) {
    if (init.signal.aborted && init.signal.reason?.name === "AbortError") throw error;
    throw new Unreachable();
  }
}

const signedOut = () => new Refusal({ status: 401, code: "token_expired" });

async function refusalOf(answer) {
  const problem = await answer.json().catch(() => ({}));
  const { code, field, detail } = problem ?? {};
  // Something between here and the gate has answered in its place.
  if (!code) return answer.status === 401 ? signedOut() : new Unreachable();
  const seconds = Number(answer.headers.get("retry-after"));
  const retryAfter = Number.isFinite(seconds) && seconds > 0 ? seconds : undefined;
  return new Refusal({ status: answer.status, code, field, detail, retryAfter });
}

/** Signs in with the operator key. */
export const signIn = (key) =>
  send("POST", "/sign-in", { headers: { authorization: `Basic ${base64(`operator:${key}`)}` } });

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

/** Pages of a list, one after the other, until it ends. */
export async function* pages(path, query, signal) {
  for (let cursor = null; ;) {
    const { result, next } = await ask("GET", path, { query: { ...query, cursor }, signal });
    yield { result, next };
    if (next === null) return;
    cursor = next;
  }
}

/** A key by which a repeated creation is known as such. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

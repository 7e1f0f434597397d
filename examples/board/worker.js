// The demo app for embeds. It believes whoever reaches it: let only the gate do so.
import { activity, presence } from "./live.js";
import { boardOf, COLUMNS } from "./boards.js";
import { cookieOf, themeCookie, visitCookie } from "./cookies.js";
import { handbook } from "./handbook.js";
import { columns, homePage, jobPage, messagePage, THEMES } from "./page.js";
import { picture } from "./pictures.js";
import { SCRIPT } from "./script.js";
import { STYLE } from "./style.js";
import { viewerOf } from "./viewer.js";

const FORM_BYTES = 10_000;
const TEXT_LENGTH = 80;

// Path → method → handler. HEAD is answered as GET, without the body.
const ROUTES = [
  [/^\/$/, { GET: home }],
  [/^\/jobs$/, { POST: addJob }],
  [/^\/jobs\/(\d{1,6})$/, { GET: showJob }],
  [/^\/jobs\/(\d{1,6})\/move$/, { POST: moveJob }],
  [/^\/latest$/, { GET: latest }],
  [/^\/theme$/, { POST: setTheme }],
  [/^\/upload$/, { POST: upload }],
  [/^\/events$/, { GET: activity }],
  [/^\/ws$/, { GET: presence }],
  [/^\/handbook\.txt$/, { GET: handbook }],
  [/^\/pictures\/([a-z]+)\.svg$/, { GET: showPicture }],
  [/^\/style\.css$/, { GET: () => asset(STYLE, "text/css") }],
  [/^\/script\.js$/, { GET: () => asset(SCRIPT, "text/javascript") }],
];

export default {
  async fetch(request) {
    const url = new URL(request.url);
    const viewer = viewerOf(request);
    const seen = { url, viewer, board: boardOf(viewer.id), theme: themeOf(request) };
    for (const [path, methods] of ROUTES) {
      const found = path.exec(url.pathname);
      if (!found) continue;
      const handler = methods[request.method === "HEAD" ? "GET" : request.method];
      if (handler) return handler(request, { ...seen, name: found[1] });
      const allow = Object.keys(methods).join(", ").replace("GET", "GET, HEAD");
      return new Response("Method not allowed\n", { status: 405, headers: { Allow: allow } });
    }
    return messagePage(seen, 404, "There is nothing here");
  },
};

function home(request, seen) {
  const visits = (Number(cookieOf(request, "board-visits")) || 0) + 1;
  const answer = homePage({ ...seen, visits });
  answer.headers.append("Set-Cookie", visitCookie(visits));
  return answer;
}

function showJob(request, seen) {
  const job = seen.board.jobs.find(({ id }) => id === Number(seen.name));
  return job ? jobPage({ ...seen, job }) : messagePage(seen, 404, "There is no such job");
}

async function addJob(request, seen) {
  const form = await formOf(request);
  const [title, place] = [form?.get("title"), form?.get("place")].map(line);
  if (!title || !place) {
    return messagePage(
      seen,
      400,
      `A job needs a title and a place of up to ${TEXT_LENGTH} letters`,
    );
  }
  const job = seen.board.add(title, place);
  if (!job) return messagePage(seen, 409, "The board is full");
  return changed(request, seen, job, `“${title}” was added to To do.`);
}

async function moveJob(request, seen) {
  const form = await formOf(request);
  const column = COLUMNS.find(({ id }) => id === form?.get("to"));
  if (!column) return messagePage(seen, 400, "A job is moved to a column that exists");
  const job = seen.board.move(Number(seen.name), column);
  if (!job) return messagePage(seen, 404, "There is no such job");
  return changed(request, seen, job, `“${job.title}” is now in ${column.name}.`);
}

/** To the script the columns as they are now, to a form a redirect to the page that has them. */
function changed(request, { board }, job, message) {
  if (wantsJson(request)) return Response.json({ html: columns(board), message, job: job.id });
  return redirect(303, `/#job-${job.id}`);
}

function latest(request, { board }) {
  const newest = board.jobs.reduce((a, b) => (a.id > b.id ? a : b));
  return redirect(302, `/jobs/${newest.id}`);
}

async function setTheme(request, seen) {
  const theme = (await formOf(request))?.get("theme");
  if (!THEMES.includes(theme)) return messagePage(seen, 400, "Light or dark?");
  const answer = redirect(303, "/");
  answer.headers.append("Set-Cookie", themeCookie(request, theme));
  return answer;
}

/** Counts the bytes of the body as they come, and keeps none of them. */
async function upload(request, { board }) {
  let bytes = 0;
  for await (const chunk of request.body ?? []) bytes += chunk.length;
  board.uploaded = bytes;
  board.tell(`${bytes.toLocaleString("en")} bytes were uploaded`);
  return wantsJson(request) ? Response.json({ bytes }) : redirect(303, "/#upload");
}

function showPicture(request, seen) {
  const svg = picture(seen.name);
  return svg ? asset(svg, "image/svg+xml") : messagePage(seen, 404, "There is no such picture");
}

function asset(text, type) {
  const headers = {
    "Content-Type": `${type}; charset=utf-8`,
    "Cache-Control": "public, max-age=300",
    "X-Content-Type-Options": "nosniff",
  };
  return new Response(text, { headers });
}

const redirect = (status, location) =>
  new Response(null, { status, headers: { Location: location, "Cache-Control": "no-store" } });

const wantsJson = (request) => request.headers.get("Accept") === "application/json";

/** The fields of a form that was posted; undefined if it is too long or none at all. */
async function formOf(request) {
  if (Number(request.headers.get("Content-Length")) > FORM_BYTES) return undefined;
  return request.formData().catch(() => undefined);
}

/** One line of text, trimmed; undefined if it is empty or too long. */
function line(value) {
  const text = typeof value === "string" ? value.replace(/\s+/g, " ").trim() : "";
  return text.length > 0 && text.length <= TEXT_LENGTH ? text : undefined;
}

function themeOf(request) {
  const theme = cookieOf(request, "board-theme");
  return THEMES.includes(theme) ? theme : undefined;
}

import { COLUMNS } from "./boards.js";
import { timeOf } from "./live.js";

// A job's buttons by its column: the column that they move it to, and what they say.
const MOVES = {
  todo: [["doing", "Start"]],
  doing: [
    ["todo", "Back"],
    ["done", "Finish"],
  ],
  done: [["doing", "Reopen"]],
};

/** The themes that a viewer may choose; without a choice it is the system's. */
export const THEMES = ["light", "dark"];

const LOGO = `<svg class="logo" viewBox="0 0 24 24" aria-hidden="true"><path d="M3 3h5v18H3zm6.5 0h5v11h-5zm6.5 0h5v15h-5z" fill="currentColor"/></svg>`;

/** The board itself. */
export function homePage({ viewer, board, theme, visits }) {
  const main = `
    <p role="status" id="status"></p>
    <div id="columns" class="columns">${columns(board)}</div>
    <div class="more">
      <section aria-labelledby="add-title">
        <h2 id="add-title">Add a job</h2>
        <form method="post" action="/jobs" data-do="add" class="fields">
          <label>What is to be done <input name="title" required maxlength="80" autocomplete="off"></label>
          <label>Where <input name="place" required maxlength="80" autocomplete="off"></label>
          <button class="main">Add</button>
        </form>
      </section>
      <section aria-labelledby="activity-title">
        <h2 id="activity-title">Activity <time id="clock"></time></h2>
        <ol id="activity" class="activity">${board.news.map(newsItem).join("")}</ol>
      </section>
      <section aria-labelledby="files-title">
        <h2 id="files-title">Files</h2>
        <form method="post" action="/upload" enctype="multipart/form-data" data-do="upload" class="fields" id="upload">
          <label>Photograph or drawing <input type="file" name="file" required></label>
          <button>Upload</button>
        </form>
        <p id="uploaded">${board.uploaded === undefined ? "Nothing is kept, only counted." : `Last upload: ${board.uploaded.toLocaleString("en")} bytes`}</p>
        <ul class="links">
          <li><a href="/handbook.txt">Site handbook</a></li>
          <li><a href="/latest">Latest job</a></li>
        </ul>
      </section>
    </div>`;
  const header = `
    <p class="viewer">
      <span class="initials" aria-hidden="true">${escape(initials(viewer.name))}</span>
      <span><span class="hidden">Signed in as</span> <strong id="viewer">${escape(viewer.name)}</strong>
      <small>Visit <span id="visits">${visits}</span><span id="windows"></span></small></span>
    </p>
    <form method="post" action="/theme" class="themes">${THEMES.map(themeButton(theme)).join("")}</form>`;
  const live = `
    <link id="events" rel="alternate" type="text/event-stream" href="/events?after=${board.news[0].number}">
    <link id="presence" rel="alternate" href="/ws">`;
  return page({ title: "Jobs board", board, theme, live, header, main });
}

/** The three columns and their cards. */
export function columns(board) {
  return COLUMNS.map((column) => {
    const jobs = board.in(column);
    return `
      <section class="column" aria-labelledby="${column.id}">
        <h2 id="${column.id}">${column.name} <span class="count">${jobs.length}<span class="hidden"> jobs</span></span></h2>
        ${jobs.length ? `<ul>${jobs.map(card).join("")}</ul>` : `<p class="empty">No jobs here</p>`}
      </section>`;
  }).join("");
}

function card(job) {
  const buttons = MOVES[job.column].map(
    ([to, text]) =>
      `<button name="to" value="${to}">${text}<span class="hidden">: ${escape(job.title)}</span></button>`,
  );
  return `
          <li class="card" id="job-${job.id}">
            <img src="/pictures/${job.picture}.svg" alt="" width="160" height="72">
            <h3><a href="/jobs/${job.id}">${escape(job.title)}</a></h3>
            <p>${escape(job.place)}</p>
            <form method="post" action="/jobs/${job.id}/move" data-do="move" data-job="${job.id}">${buttons.join("")}</form>
          </li>`;
}

const themeButton = (now) => (theme) =>
  `<button name="theme" value="${theme}" aria-pressed="${theme === now}">${theme}<span class="hidden"> theme</span></button>`;

const newsItem = ({ at, text }) => `<li>${timeOf(at)} ${escape(text)}</li>`;

/** One job, large. */
export function jobPage({ board, theme, job }) {
  const column = COLUMNS.find(({ id }) => id === job.column);
  const main = `
    <article class="job">
      <img src="/pictures/${job.picture}.svg" alt="" width="480" height="216">
      <h2>${escape(job.title)}</h2>
      <dl>
        <dt>Number</dt><dd>${job.id}</dd>
        <dt>Place</dt><dd>${escape(job.place)}</dd>
        <dt>State</dt><dd>${column.name}</dd>
      </dl>
      <p><a class="back" href="/">Back to the board</a></p>
    </article>`;
  return page({ title: `${escape(job.title)} – Jobs board`, board, theme, main });
}

/** A page that says one thing, with a way back. */
export function messagePage({ board, theme }, status, text) {
  const main = `<h2>${escape(text)}</h2><p><a class="back" href="/">Back to the board</a></p>`;
  return page({ title: `${escape(text)} – Jobs board`, board, theme, main, status });
}

/**
 * A whole page. It lets nobody frame it: the gate, which knows who may, replaces that part of its
 * headers.
 */
function page({ title, board, theme, live = "", header = "", main, status = 200 }) {
  const nonce = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))));
  const html = `<!doctype html>
<html lang="en" class="hue-${board.hue}"${theme ? ` data-theme="${theme}"` : ""}>
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${title}</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="/style.css" nonce="${nonce}">${live}
    <script src="/script.js" nonce="${nonce}" defer></script>
  </head>
  <body>
    <header>
      <h1>${LOGO} Jobs board</h1>${header}
    </header>
    <main>${main}
    </main>
  </body>
</html>
`;
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  return new Response(html, {
    status,
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": policy.join("; "),
      "X-Frame-Options": "DENY",
      "X-Content-Type-Options": "nosniff",
      "Referrer-Policy": "same-origin",
      "Cache-Control": "no-store",
    },
  });
}

function initials(name) {
  const [first = "", second = ""] = name.split("@")[0].split(/[^\p{L}\p{N}]+/u);
  const letters = second ? first.slice(0, 1) + second.slice(0, 1) : first.slice(0, 2);
  return letters.toUpperCase() || "?";
}

const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escape = (text) => text.replace(/[&<>"']/g, (letter) => ENTITIES[letter]);

/** What is here, as a page. */
export const HOME = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Demo upstream</title>
    <style>
      body { font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }
      dt { font-family: ui-monospace, monospace; }
      dd { margin: 0 0 0.5rem 1.5rem; }
    </style>
  </head>
  <body>
    <h1>Demo upstream</h1>
    <p>The app behind the gate. What is here:</p>
    <dl>
      <dt><a href="/api/v1/jobs/?name=bridge&amp;page=1&amp;page_size=5">/api/v1/jobs/</a></dt>
      <dd>jobs by name, page and page_size; POST pretends to create one</dd>
      <dt><a href="/odata/">/odata/</a></dt>
      <dd>the same jobs as an OData 4.0 feed</dd>
      <dt><a href="/echo/hello">/echo/*</a></dt>
      <dd>the request as it arrived here; ?cache= sets Cache-Control</dd>
      <dt>/ws</dt>
      <dd>a WebSocket that echoes</dd>
      <dt><a href="/large?mb=1">/large?mb=</a></dt>
      <dd>that many megabytes; POST and PUT count what they get</dd>
      <dt><a href="/slow?ms=1000">/slow?ms=</a></dt>
      <dd>an answer after a wait</dd>
      <dt><a href="/redirect">/redirect?to=</a></dt>
      <dd>302</dd>
      <dt><a href="/status/418">/status/418</a></dt>
      <dd>any status from 200 to 599</dd>
      <dt><a href="/cookies">/cookies</a></dt>
      <dd>sets two cookies, shows those that came</dd>
      <dt><a href="/public/hello">/public/hello</a></dt>
      <dd>a greeting</dd>
      <dt><a href="/fail">/fail</a></dt>
      <dd>an error that nobody catches</dd>
    </dl>
  </body>
</html>
`;

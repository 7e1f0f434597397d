// Requests as a browser's script sends them, with twelve headers.

const HEADERS = {
  accept: "application/json, text/plain, */*",
  "accept-encoding": "gzip, br",
  "accept-language": "en-GB,en;q=0.7,de;q=0.3",
  "content-type": "application/json",
  host: "app.example.com",
  priority: "u=0",
  referer: "https://app.example.com/jobs",
  "sec-fetch-dest": "empty",
  "sec-fetch-mode": "cors",
  "sec-fetch-site": "same-origin",
  "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
};

export const PATH = "/api/v1/jobs/?page=1&page_size=3";

/** What makes requests with a credential, a header; without one, anonymous ones. */
export const requestsWith = (credential, origin = "https://app.example.com") => {
  const headers = { ...HEADERS, ...credential };
  return () => new Request(origin + PATH, { headers });
};

/** The same by what the credential is: `good`, `wrong` and `missing`. */
export const requestsOf = (header, { good, wrong }) => ({
  good: requestsWith(header(good)),
  wrong: requestsWith(header(wrong)),
  missing: requestsWith(),
});

export const bearer = (token) => ({ authorization: `Bearer ${token}` });

export const cookie = (value) => ({ cookie: `session=${value}` });

/** Random bytes in base64. */
export const secret = () =>
  btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))));

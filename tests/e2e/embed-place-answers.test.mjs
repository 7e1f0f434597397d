import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  brotliCompressSync,
  brotliDecompressSync,
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateSync,
  zstdCompressSync,
  zstdDecompressSync,
} from "node:zlib";
import {
  AS,
  assertFramedBy,
  JOBS,
  metadata,
  MODES,
  open,
  PORTAL,
  startEmbedGate,
} from "../support/embeds.mjs";
import { startServer } from "../support/stand-ins.mjs";

const OWN = "https://own.example";
const POLICY = "camera=(), geolocation=(self)";

// The upstream answers as the running test wants.
let upstream;
let answerWith;
before(async () => {
  upstream = await startServer((request, response) => answerWith(request, response));
});
after(() => upstream?.stop());

for (const [mode, EMBED_HOST] of Object.entries(MODES)) {
  describe(`with ${mode}, an answer of the upstream`, () => {
    let gate;
    let visit;
    before(async () => {
      const vars = {
        EMBED_HOST,
        UPSTREAM: `${upstream.url}/base`,
        APPS: [
          JOBS,
          { id: "own", name: "Own", allowedOrigins: [OWN, PORTAL], permissionsPolicy: POLICY },
        ],
      };
      gate = await startEmbedGate({ vars });
      visit = await open(gate);
    });
    after(() => gate?.stop());

    /** What becomes of an answer with these headers. */
    async function answered(headers, { by = visit, as = AS.frame, body = "x", ...options } = {}) {
      answerWith = (_, response) => response.writeHead(options.status ?? 200, headers).end(body);
      const answer = await by.ask("/x", { as, headers: options.headers });
      assert.equal(answer.status, options.status ?? 200, answer.text);
      return answer;
    }

    test("is framed by the token's origins, else the app's, else the place itself", async () => {
      for (const [fields, origins] of [
        [{}, [PORTAL]],
        [{ allowedOrigins: [PORTAL, "http://localhost:8080"] }, [PORTAL, "http://localhost:8080"]],
        [{ allowedOrigins: [] }, []],
        [{ app: "own", allowedOrigins: [] }, [OWN, PORTAL]],
        [{ app: "own", allowedOrigins: ["https://a.example"] }, ["https://a.example"]],
      ]) {
        const by = await open(gate, fields);
        for (const as of [AS.frame, AS.script, metadata("image", "no-cors", "same-origin")]) {
          assertFramedBy(await answered({}, { by, as }), origins);
        }
        assertFramedBy(
          await answered({ "content-type": "text/html" }, { by, status: 404 }),
          origins,
        );
      }
    });

    test("loses its own say in who may frame it, and keeps the rest of its policy", async () => {
      for (const [policy, kept] of [
        ["frame-ancestors 'none'", []],
        ["Frame-Ancestors *; default-src 'self'", ["default-src 'self'"]],
        [
          "default-src 'self'; frame-ancestors https://evil.example; img-src *",
          ["default-src 'self'; img-src *"],
        ],
        ["script-src 'self';frame-ancestors;", ["script-src 'self'"]],
        [["img-src a", "frame-ancestors *"], ["img-src a"]],
        ["img-src a, frame-ancestors *; font-src b", ["img-src a, font-src b"]],
        ["report-uri /frame-ancestors", ["report-uri /frame-ancestors"]],
      ]) {
        const answer = await answered({ "content-security-policy": policy });
        assertFramedBy(answer, [PORTAL]);
        const all = answer.headerAll("Content-Security-Policy").join(", ");
        const others = all.replace(/,? ?frame-ancestors 'self' [^,;]*$/, "").replace(/;$/, "");
        assert.equal(others.replace(/; ?(,|$)/g, "$1"), kept.join(", "), JSON.stringify(policy));
      }
      for (const value of ["DENY", "SAMEORIGIN", "ALLOW-FROM https://evil.example"]) {
        assertFramedBy(await answered({ "x-frame-options": value, "X-Own": "1" }), [PORTAL]);
      }
      const only = { "content-security-policy-report-only": "frame-ancestors 'none'" };
      assertFramedBy(await answered(only), [PORTAL]);
    });

    test("loses what would open, empty or widen the place, or report its URLs elsewhere", async () => {
      const answer = await answered({
        "Access-Control-Allow-Origin": "*",
        "access-control-allow-credentials": "true",
        "Access-Control-Expose-Headers": "*",
        "Clear-Site-Data": '"*"',
        "Service-Worker-Allowed": "/",
        "Report-To": '{"group":"a","max_age":1,"endpoints":[{"url":"https://evil.example"}]}',
        NEL: '{"report_to":"a","max_age":1}',
        "Reporting-Endpoints": 'a="https://evil.example"',
        "X-Own": "kept",
        ETag: '"1"',
      });
      for (const [name] of answer.headers) {
        assert.doesNotMatch(name, /^(access-control|clear-site|service-w|report|nel$)/i);
      }
      assert.equal(answer.header("x-own"), "kept");
      assert.equal(answer.header("etag"), '"1"');
    });

    test("may stand in a host page under COEP, if it is a document", async () => {
      const corp = { "cross-origin-resource-policy": "same-origin" };
      const document = await answered(corp);
      assert.deepEqual(document.headerAll("Cross-Origin-Resource-Policy"), ["cross-origin"]);
      assert.deepEqual(document.headerAll("Cross-Origin-Embedder-Policy"), ["credentialless"]);
      const strict = await answered({ "cross-origin-embedder-policy": "require-corp" });
      assert.deepEqual(strict.headerAll("Cross-Origin-Embedder-Policy"), ["require-corp"]);
      const picture = await answered(corp, { as: metadata("image", "no-cors", "same-origin") });
      assert.deepEqual(picture.headerAll("Cross-Origin-Resource-Policy"), ["same-origin"]);
      assert.deepEqual(picture.headerAll("Cross-Origin-Embedder-Policy"), []);
    });

    test("has the Permissions-Policy that the app's configuration says", async () => {
      const own = await open(gate, { app: "own" });
      for (const headers of [{}, { "permissions-policy": "camera=*" }]) {
        const answer = await answered(headers, { by: own });
        assert.deepEqual(answer.headerAll("Permissions-Policy"), [POLICY]);
      }
      const unsaid = await answered({ "permissions-policy": "camera=*" });
      assert.deepEqual(unsaid.headerAll("Permissions-Policy"), ["camera=*"]);
    });

    test("is kept by no shared cache", async () => {
      for (const [value, wanted] of [
        ["public, max-age=600", /^private, max-age=600$/],
        [undefined, /^private$/],
        ["no-store", /^no-store$/],
      ]) {
        const headers = {
          ...(value && { "cache-control": value }),
          "cdn-cache-control": "max-age=9",
        };
        const answer = await answered(headers);
        assert.match(answer.header("Cache-Control"), wanted);
        assert.equal(answer.header("CDN-Cache-Control"), undefined);
      }
    });

    test("sets cookies that are the place's alone (CHIPS, RFC 6265bis)", async () => {
      const added = "; Secure; SameSite=None; Partitioned";
      const [name, path] = visit.prefix
        ? [`gp-${visit.place}-`, (at) => `; Path=${visit.prefix}${at}`]
        : ["", (at, given = true) => (given ? `; Path=${at}` : "")];
      const expires = "Thu, 01 Jan 2037 00:00:00 GMT";
      for (const [line, wanted] of [
        ["a=1", `${name}a=1${path("/", false)}${added}`],
        ["a=1; Path=/; Domain=127.0.0.1", `${name}a=1${path("/")}${added}`],
        [
          "sid=x=y; Path=/app; HttpOnly; SameSite=Strict; Max-Age=60",
          `${name}sid=x=y${path("/app")}; Max-Age=60; HttpOnly${added}`,
        ],
        [
          `a=; Expires=${expires}; secure`,
          `${name}a=${path("/", false)}; Expires=${expires}${added}`,
        ],
        ["__Host-a=1; Path=/; Secure", `${name}__Host-a=1${path("/")}${added}`],
      ]) {
        const answer = await answered({ "set-cookie": line });
        assert.deepEqual(answer.headerAll("Set-Cookie"), [wanted], line);
      }
      const three = ["a=1", "b=2; Path=/x", "a=3"];
      assert.equal((await answered({ "set-cookie": three })).headerAll("Set-Cookie").length, 3);
    });

    test("sets no cookie that would pass for Gatepass's own", async () => {
      const theirs = `gp-${"a".repeat(16)}`;
      for (const line of [
        `${visit.name}=forged; Path=/; Secure`,
        `__HOST-GP-${visit.place}=forged; Path=/; Secure`,
        "__Host-gatepass=forged; Path=/; Secure",
        `=${visit.name}=forged`,
        visit.name,
        `${theirs}-sid=1`,
        `gp-${visit.place}-sid=1`,
        "",
      ]) {
        const answer = await answered({ "set-cookie": [line, "b=2"] });
        assert.equal(answer.headerAll("Set-Cookie").length, 1, line);
        assert.match(answer.header("Set-Cookie"), /b=2/);
      }
    });

    test("redirects inside the place, and outside as it says", async () => {
      const { prefix, origin } = visit;
      const base = `${upstream.url}/base`;
      for (const [location, inPath, inHost = location] of [
        ["/", `${prefix}/`],
        ["/a?b#c", `${prefix}/a?b#c`],
        ["a/b", "a/b"],
        ["?x", "?x"],
        [`${base}/a?b`, `${prefix}/a?b`, `${origin}/a?b`],
        [base, `${prefix}/`, `${origin}/`],
        [`${upstream.url}/elsewhere`, `${upstream.url}/elsewhere`],
        [`${upstream.url}/basement`, `${upstream.url}/basement`],
        ["https://other.example/a", "https://other.example/a"],
        ["//other.example/a", "//other.example/a"],
        ["/\\other.example", "/\\other.example"],
        [`${prefix}/a`, `${prefix}/a`],
        ["/../../x", `${prefix}/x`],
        ["/a/..//evil.example", `${prefix}//evil.example`],
      ]) {
        const wanted = prefix ? inPath : inHost;
        for (const status of [301, 302, 303, 307, 308, 201]) {
          const answer = await answered({ location }, { status });
          assert.deepEqual(answer.headerAll("Location"), [wanted], `${status} ${location}`);
        }
      }
      for (const [refresh, inPath] of [
        ["5; url=/a", `5; url=${prefix}/a`],
        ["5", "5"],
        ["0;URL='https://other.example/'", "0;URL='https://other.example/'"],
      ]) {
        const answer = await answered({ refresh });
        assert.equal(answer.header("Refresh"), prefix ? inPath : refresh);
      }
    });

    test("that is no document keeps its bytes, its length and its ETag", async () => {
      const body = gzipSync("<a href='/x'>".repeat(1000));
      for (const type of ["application/json", "text/javascript", "image/svg+xml", "text/plain"]) {
        const headers = {
          "content-type": type,
          "content-encoding": "gzip",
          "content-length": body.length,
          etag: '"e"',
        };
        const accept = [["Accept-Encoding", "gzip"]];
        const answer = await answered(headers, { body, headers: accept });
        assert.ok(answer.body.equals(body), type);
        assert.equal(answer.header("etag"), '"e"');
        assert.equal(answer.header("content-length"), String(body.length));
      }
    });

    test("that is HTML is rewritten where places are paths, and nowhere else", async () => {
      const { prefix, origin } = visit;
      const base = `${upstream.url}/base`;
      const html = page(["", base], base);
      const type = { "content-type": "text/html; charset=utf-8" };
      const headers = { ...type, "content-length": Buffer.byteLength(html), etag: '"1"' };
      const answer = await answered(headers, { body: html });
      if (!prefix) {
        assert.equal(answer.text, html);
        assert.equal(answer.header("etag"), '"1"');
        return;
      }
      assert.equal(answer.text, page([prefix, prefix], base, prefix));
      assert.equal(answer.header("content-length"), undefined);
      assert.equal(answer.header("etag"), undefined);
      assert.equal(answer.header("content-type"), type["content-type"]);
      assert.ok(!answer.text.includes(origin));
    });

    test("that is HTML can break out of no attribute that is rewritten", async () => {
      if (!visit.prefix) return;
      const type = { "content-type": "text/html" };
      for (const [html, wanted] of [
        [`<a href='/x" onclick="evil()'>`, `<a href="P/x&quot; onclick=&quot;evil()">`],
        [`<a href=/x>`, `<a href="P/x">`],
        [`<A HREF = "/x">`, `<A HREF="P/x">`],
        [`<a href="/x" href="/y">`, `<a href="P/x" href="/y">`],
        [`<a href="/x&Tab;y">`, `<a href="/x&Tab;y">`],
        [`<a href="&#47;&#47;evil.example">`, `<a href="&#47;&#47;evil.example">`],
        [`<a href="/\\evil.example">`, `<a href="/\\evil.example">`],
        [`<a href="/..">`, `<a href="P/">`],
        [`<a href="${visit.origin}/x">`, `<a href="P/x">`],
        [`<a href="${upstream.url}/x">`, `<a href="${upstream.url}/x">`],
      ]) {
        const answer = await answered(type, { body: html });
        assert.equal(answer.text, wanted.replace("P/", `${visit.prefix}/`));
      }
    });

    test("that is HTML in another charset keeps its letters", async () => {
      for (const type of [
        "text/html; charset=iso-8859-1",
        "text/html; charset=windows-1252",
        "text/html; charset=utf-8",
        "text/html",
      ]) {
        const body = Buffer.from('<a href="/x" title="caf\xe9">\xfcber</a>', "latin1");
        const answer = await answered({ "content-type": type }, { body });
        const wanted = body.toString("latin1").replace('"/x"', `"${visit.prefix}/x"`);
        assert.equal(answer.body.toString("latin1"), wanted, type);
      }
    });

    test("that is HTML in a charset that the runtime cannot read is left as it is", async () => {
      const html = '<a href="/x">y</a>';
      for (const [charset, body] of [
        ["utf-16le", Buffer.from(html, "utf16le")],
        ["iso-2022-jp", Buffer.from(`${html}\x1b$B$3\x1b(B`)],
        ["klingon", Buffer.from(html)],
      ]) {
        const headers = { "content-type": `text/html; charset=${charset}`, etag: '"1"' };
        const answer = await answered(headers, { body });
        assert.ok(answer.body.equals(body), charset);
        assert.equal(answer.header("etag"), '"1"');
      }
    });

    test("that is HTML with a tag of over 3 MB is cut off, and never taken for whole", async () => {
      const html = `<a href="/x"><img src="data:image/png;base64,${"A".repeat(4 * 1024 * 1024)}">`;
      const asked = answered({ "content-type": "text/html" }, { body: html });
      if (visit.prefix) await assert.rejects(asked, /aborted/);
      else assert.equal((await asked).text, html);
      await answered({}, { body: "and on it goes" });
    });

    test("that is compressed HTML is rewritten too, and stays readable", async () => {
      const html = `<p title="grüße"><a href="/x">y</a>`.repeat(500);
      const wanted = html.replaceAll('"/x"', `"${visit.prefix}/x"`);
      for (const [encoding, compress] of [
        ["gzip", gzipSync],
        ["br", brotliCompressSync],
      ]) {
        const body = compress(html);
        const headers = {
          "content-type": "text/html; charset=utf-8",
          "content-encoding": encoding,
          "content-length": body.length,
        };
        for (const accepts of [encoding, "identity"]) {
          const accept = [["Accept-Encoding", accepts]];
          const answer = await answered(headers, { body, headers: accept });
          assert.equal(plain(answer), wanted, `${encoding}, ${accepts}`);
        }
      }
    });

    test("that is compressed is asked for in a way that the runtime can read", async () => {
      const html = `<p><a href="/x">y</a>`.repeat(100);
      const wanted = html.replaceAll('"/x"', `"${visit.prefix}/x"`);
      // This upstream takes the first that it can of those that are accepted.
      const encoders = { zstd: zstdCompressSync, deflate: deflateSync, br: brotliCompressSync };
      answerWith = ({ headers }, response) => {
        const accepted = (headers["accept-encoding"] ?? "").split(/\s*,\s*/);
        const encoding = Object.keys(encoders).find((name) => accepted.includes(name));
        const encoded = { "content-type": "text/html", "content-encoding": encoding ?? "identity" };
        response.writeHead(200, encoded).end(encoding ? encoders[encoding](html) : html);
      };
      for (const accepts of ["gzip, deflate, br, zstd", "zstd", "deflate", "*", "br;q=0, zstd"]) {
        const headers = [["Accept-Encoding", accepts]];
        const answer = await visit.ask("/x", { as: AS.frame, headers });
        assert.equal(plain(answer), wanted, accepts);
      }
    });

    test("that is HTML in an encoding that the runtime cannot read keeps its bytes", async () => {
      const html = `<p><a href="/x">y</a>`.repeat(100);
      for (const [encoding, body] of [
        ["zstd", zstdCompressSync(html)],
        ["deflate", deflateSync(html, { level: 0 })],
        ["gzip, br", brotliCompressSync(gzipSync(html, { level: 0 }))],
        ["x-gzip", gzipSync(html, { level: 0 })],
      ]) {
        const headers = { "content-type": "text/html", "content-encoding": encoding };
        const answer = await answered(headers, { body });
        assert.equal(answer.header("content-encoding"), encoding);
        assert.ok(answer.body.equals(body), `${encoding}: ${answer.body.length} bytes`);
      }
    });

    test("to HEAD, 304, 204 and 206 has no HTML to rewrite", async () => {
      const headers = { "content-type": "text/html" };
      for (const status of [204, 304]) {
        assert.equal((await answered(headers, { status, body: undefined })).body.length, 0);
      }
      answerWith = (_, response) => response.writeHead(200, headers).end();
      const head = await visit.ask("/x", { method: "HEAD", as: AS.frame });
      assert.equal(head.status, 200);
      assertFramedBy(head, [PORTAL]);
      const part = { ...headers, "content-range": "bytes 0-12/99" };
      const body = `<a href="/x">`;
      const ranged = await answered(part, { status: 206, body });
      assert.equal(ranged.text, body);
      assert.equal(ranged.header("content-range"), "bytes 0-12/99");
    });
  });
}

/** HTML with URLs of the app's own: absolute, and below its root. */
function page([rooted, absolute], base, prefix = rooted) {
  const at = prefix ? absolute : base;
  return `<!doctype html><html><head><base href="${rooted}/">
<link rel=icon href="${rooted}/i.png"><link rel="preload" imagesrcset="${rooted}/a 1x, ${rooted}/b 2x">
<meta http-equiv="Refresh" content="5; url=${rooted}/late"><meta name="x" content="0; url=/kept">
<script src="${rooted}/s.js"></script></head><body background="${rooted}/bg.png">
<a href="${at}/x?y=1&amp;z=2#f" ping="${rooted}/p ${rooted}/q">1</a><a href="https://other.example/x">2</a>
<a href="relative">3</a><a href="//other.example/x">4</a><a href="#frag">5</a><a href="${rooted}/x?q=&quot;y">6</a>
<a href="mailto:a@b.example">7</a><a href="javascript:location='/kept'">8</a>
<form action="${rooted}/save" method=post><button formaction="${rooted}/other">9</button></form>
<img src="${rooted}/i.png" srcset="${rooted}/1.png 1x,
  ${rooted}/2.png 2x, https://other.example/3.png 3x" alt="/kept">
<video poster="${rooted}/v.png"><source src="${rooted}/v.mp4"></video><object data="${rooted}/o"></object>
<svg><use xlink:href="${rooted}/sprite.svg#a" /></svg><blockquote cite="${rooted}/c">"/kept"</blockquote>
<script>fetch("/kept")</script><!-- <a href="/kept"> --><textarea><a href="/kept"></textarea>
<iframe src="${rooted}/inner"></iframe><input type=image src="${rooted}/go.png"></body></html>`;
}

function plain({ header, body }) {
  const decoders = {
    ...{ br: brotliDecompressSync, deflate: inflateSync },
    ...{ gzip: gunzipSync, zstd: zstdDecompressSync },
  };
  const decode = decoders[header("content-encoding")] ?? ((bytes) => bytes);
  return decode(body).toString();
}

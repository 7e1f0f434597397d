// Two people's embeds on one page share nothing: each has its own data and cookies wherever places
// are, and where places are hosts, storage and scripts too. The hosts are siblings below one
// registrable domain, so to each other they are of the same site.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { frameIn, launchViewer, PLACES, PROFILES, startScene } from "../support/embed-scene.mjs";

const PEOPLE = { a: "ada@example.com", b: "bob@example.com" };

const browsers = {};

before(async () => {
  for (const profile of PROFILES) browsers[profile] = await launchViewer({ profile });
});

after(() => Promise.all(Object.values(browsers).map((browser) => browser.close())));

async function openTab(t, profile, url) {
  const page = await browsers[profile].newTab(url);
  t.after(() => page.close());
  return page;
}

/** A page with Ada's app and Bob's, and their frames. */
async function openBoth(t, scene, profile) {
  const urls = {};
  for (const [id, email] of Object.entries(PEOPLE)) {
    urls[id] = (await scene.mint({ user: { email } })).embedUrl;
  }
  const page = await openTab(t, profile, scene.frames("/both", urls));
  return { page, ada: await frameIn(page, "a"), bob: await frameIn(page, "b") };
}

const cookiesIn = (frame) => frame.evaluate(async () => (await fetch("cookies")).json());

/** Counts what is in each kind of storage, after writing into it if so wanted. */
function countStores(writes) {
  const opened = async () => {
    if (!writes) return;
    await new Promise((done, failed) => {
      const opening = indexedDB.open("key");
      opening.onsuccess = done;
      opening.onerror = failed;
    });
  };
  const each = [
    async () => (writes && localStorage.setItem("key", "1"), localStorage.length),
    async () => (writes && sessionStorage.setItem("key", "1"), sessionStorage.length),
    async () => (writes && (await caches.open("key")), (await caches.keys()).length),
    async () => (await opened(), (await indexedDB.databases()).length),
  ];
  return Promise.all(each.map((count) => count()));
}

/** Asks another origin's `/open` in every way that a script has; answers what came of each. */
function askEverything(origin) {
  const url = `${origin}/open`;
  const credentials = "include";
  const tries = [
    { credentials },
    { credentials, method: "POST", body: "a=1" },
    { credentials, method: "PUT", body: "a=1" },
    { credentials, headers: { "x-own": "1" } },
    { credentials, mode: "no-cors" },
  ].map((init) =>
    fetch(url, init).then(
      ({ type }) => type,
      ({ name }) => name,
    ),
  );
  const drawn = new Promise((done) => {
    const image = new Image();
    image.onload = () => done("drawn");
    image.onerror = () => done("not drawn");
    image.src = url;
  });
  const opened = new Promise((done) => {
    const socket = new WebSocket(url.replace(/^http/, "ws"));
    socket.onopen = () => done("opened");
    socket.onerror = () => done("not opened");
  });
  return Promise.all([...tries, drawn, opened]);
}

for (const places of Object.keys(PLACES)) {
  describe(`places: ${places}`, () => {
    let scene;
    before(async () => {
      scene = await startScene({ places });
      const worker = {
        headers: { "content-type": "text/javascript", "service-worker-allowed": "/" },
        body: `onfetch = (event) => {
          if (event.request.url.endsWith("/cookies")) event.respondWith(Response.json("taken"));
        };`,
      };
      scene.app.set("/worker.js", worker);
      scene.app.set("/folder/worker.js", worker);
    });
    after(() => scene.stop());

    for (const profile of PROFILES) {
      test(`each sees their own data and cookies, cookies: ${profile}`, async (t) => {
        const { ada, bob } = await openBoth(t, scene, profile);
        for (const [id, frame] of Object.entries({ a: ada, b: bob })) {
          assert.equal(await frame.locator("#user").innerText(), PEOPLE[id]);
          assert.equal(await cookiesIn(frame), `who=${PEOPLE[id]}`);
        }
        await ada.evaluate(() => (document.cookie = "mine=1; Secure; SameSite=None; Partitioned"));
        const adas = places === "hosts" ? `who=${PEOPLE.a}; mine=1` : `who=${PEOPLE.a}`;
        assert.equal(await cookiesIn(ada), adas);
        assert.equal(await cookiesIn(bob), `who=${PEOPLE.b}`);
        await ada.goto(ada.url());
        assert.equal(await ada.locator("#user").innerText(), PEOPLE.a);
      });

      test(`a service worker has its own place alone, cookies: ${profile}`, async (t) => {
        const { ada, bob } = await openBoth(t, scene, profile);
        const register = (scope) =>
          ada.evaluate(async (scope) => {
            await navigator.serviceWorker.register("worker.js", { scope });
            await navigator.serviceWorker.ready;
          }, scope);
        if (places === "hosts") {
          // It would be handed the place's entries. In a folder it is not.
          await assert.rejects(register("./"), /403/);
          await ada.evaluate(async () => {
            const made = await navigator.serviceWorker.register("folder/worker.js");
            await made.unregister();
          });
          return;
        }
        for (const scope of ["/", "/embed-apps/", new URL(".", bob.url()).pathname]) {
          await assert.rejects(register(scope), /SecurityError|max scope/, scope);
        }
        await register("./");
        await Promise.all([ada, bob].map((frame) => frame.goto(frame.url())));
        assert.equal(await cookiesIn(ada), "taken");
        assert.equal(await cookiesIn(bob), `who=${PEOPLE.b}`);
        await ada.evaluate(async () => {
          await (await navigator.serviceWorker.ready).unregister();
        });
      });
    }
  });
}

describe("host places that are siblings", () => {
  let scene;
  before(async () => {
    scene = await startScene({ places: "hosts" });
    // What an app does that lets everybody in.
    scene.app.set("/open", ({ user, headers }) => ({
      headers: {
        "access-control-allow-origin": headers.origin ?? "*",
        "access-control-allow-credentials": "true",
        "access-control-allow-headers": "x-own",
        "cross-origin-resource-policy": "cross-origin",
      },
      body: user,
    }));
  });
  after(() => scene.stop());

  for (const profile of PROFILES) {
    describe(`cookies: ${profile}`, () => {
      test("share no storage", async (t) => {
        const { ada, bob } = await openBoth(t, scene, profile);
        await ada.evaluate(() => (document.cookie = "key=1; Secure; SameSite=None; Partitioned"));
        assert.match(await ada.evaluate(() => document.cookie), /key=1/);
        assert.equal(await bob.evaluate(() => document.cookie), `who=${PEOPLE.b}`);
        assert.deepEqual(await ada.evaluate(countStores, true), [1, 1, 1, 1]);
        assert.deepEqual(await bob.evaluate(countStores, false), [0, 0, 0, 0]);
      });

      test("hear nothing of each other's channels and locks", async (t) => {
        const { ada, bob } = await openBoth(t, scene, profile);
        await bob.evaluate(() => {
          window.heard = [];
          new BroadcastChannel("room").onmessage = ({ data }) => window.heard.push(data);
          addEventListener("storage", ({ key }) => window.heard.push(key));
        });
        const heard = await ada.evaluate(() => {
          navigator.locks.request("lock", () => new Promise(() => {}));
          const own = new Promise((done) => {
            new BroadcastChannel("room").onmessage = ({ data }) => done(data);
          });
          new BroadcastChannel("room").postMessage("from ada");
          return own;
        });
        assert.equal(heard, "from ada");
        const lock = await bob.evaluate(() =>
          navigator.locks.request("lock", { ifAvailable: true }, (lock) => lock && "free"),
        );
        assert.equal(lock, "free");
        assert.deepEqual(await bob.evaluate(() => window.heard), []);
      });

      test("share nothing with themselves on a page of another site", async (t) => {
        const host = "outer.test";
        const allowedOrigins = ["portal.test", host].map(scene.portal.origin);
        const urls = [];
        for (let i = 0; i < 2; i++) urls.push((await scene.mint({ allowedOrigins })).embedUrl);
        const one = await openTab(t, profile, scene.frames("/one", { a: urls[0] }));
        const ada = await frameIn(one, "a");
        await ada.evaluate(() => (document.cookie = "key=1; Secure; SameSite=None; Partitioned"));
        await ada.evaluate(countStores, true);
        const other = scene.frames("/other", { a: urls[1] }, { host });
        const elsewhere = await frameIn(await openTab(t, profile, other), "a");
        assert.equal(await elsewhere.evaluate(() => document.cookie), `who=${PEOPLE.a}`);
        assert.deepEqual(await elsewhere.evaluate(countStores, false), [0, 0, 0, 0]);
        assert.equal(await ada.evaluate(async () => (await fetch("cookies")).status), 200);
      });

      test("cannot read or change each other's documents, nor the host page's", async (t) => {
        const { page, ada, bob } = await openBoth(t, scene, profile);
        // Where a browser still lets pages widen their origin, both must not meet there.
        for (const frame of [ada, bob]) {
          await frame.evaluate(() => {
            document.domain = "embed.test";
          });
        }
        const thrown = await ada.evaluate(() => {
          const name = (act) => {
            try {
              return `no error: ${act()}`;
            } catch (error) {
              return error.name;
            }
          };
          const sibling = window.parent.frames[1];
          return [
            () => sibling.document,
            () => sibling.localStorage,
            () => sibling.location.href,
            () => (sibling.name = "ada's"),
            () => window.parent.document,
            () => window.parent.location.href,
          ].map(name);
        });
        assert.deepEqual(thrown, Array(6).fill("SecurityError"));
        const fromAbove = await page.evaluate(() => {
          try {
            return `no error: ${window.frames[0].document}`;
          } catch (error) {
            return error.name;
          }
        });
        assert.equal(fromAbove, "SecurityError");
      });

      for (const policy of ["credentialless", "unsafe-none"]) {
        test(`cannot ask each other's app that answers everybody, ${policy}`, async (t) => {
          scene.app.set("/asks", { headers: { "cross-origin-embedder-policy": policy } });
          const { ada, bob } = await openBoth(t, scene, profile);
          await ada.goto(new URL("/asks", ada.url()).href);
          const { origin } = new URL(bob.url());
          const earlier = scene.app.log.length;
          const statuses = [];
          ada.page().on("response", (response) => {
            if (response.url() === `${origin}/open`) statuses.push(response.status());
          });
          const outcomes = await ada.evaluate(askEverything, origin);
          const refused = Array(4).fill("TypeError");
          assert.deepEqual(outcomes, [...refused, "opaque", "not drawn", "not opened"]);
          // Without its cookies a request is a stranger's.
          assert.deepEqual([...new Set(statuses)], [policy === "credentialless" ? 401 : 403]);
          assert.deepEqual(scene.app.log.slice(earlier), []);
          assert.equal(await bob.evaluate(async () => (await fetch("open")).text()), PEOPLE.b);
        });
      }

      test("cannot frame each other, nor overwrite each other's session", async (t) => {
        const { page, ada, bob } = await openBoth(t, scene, profile);
        const { origin, hostname } = new URL(bob.url());
        const [place] = hostname.split(".");
        await ada.evaluate(
          ([origin, place]) => {
            const frame = document.createElement("iframe");
            frame.src = origin;
            document.body.append(frame);
            for (const domain of ["; Domain=embed.test", ""]) {
              document.cookie = `__Host-gp-${place}=x; Path=/; Secure; SameSite=None; Partitioned${domain}`;
            }
            return new Promise((done) => (frame.onload = done));
          },
          [origin, place],
        );
        const [inner] = ada.childFrames();
        assert.equal(await inner.locator("#user").count(), 0);
        assert.match(inner.url(), /^chrome-error:/);
        await bob.goto(bob.url());
        assert.equal(await bob.locator("#user").innerText(), PEOPLE.b);
        const cookies = await page.context().cookies(origin);
        const sessions = cookies.filter(({ name }) => name === `__Host-gp-${place}`);
        assert.ok(sessions.length > 0 && sessions.every(({ value }) => value !== "x"));
      });
    });
  }
});

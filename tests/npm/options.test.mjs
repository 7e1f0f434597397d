// A mistake in what the package is given is thrown at once, by a stable code, and names what is wrong.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { makeProject } from "./support/project.mjs";

const KEYS = `k1:${Buffer.alloc(32, 7).toString("base64")}`;

let project;
let gatepass;
let memoryStore;
before(async () => {
  project = await makeProject();
  const load = (file) =>
    import(pathToFileURL(join(project.folder, "node_modules/gatepass/dist", file)).href);
  gatepass = await load("index.js");
  ({ memoryStore } = await load("stores/memory.js"));
});
after(() => project?.remove());

describe("a mistake in a gate's options is config_invalid", () => {
  const embeds = { apps: [{ id: "jobs" }], embedHost: "*.embed.example.net", sessionKeys: KEYS };
  for (const [field, options] of Object.entries({
    options: () => undefined,
    store: () => ({ store: memoryStore }),
    "routes[0].path": () => ({ routes: [{ path: "/jobs/:id" }] }),
    "routes[0].public": () => ({ routes: [{ path: "/", public: true, scopes: ["a"] }] }),
    rotues: () => ({ rotues: [] }),
    sessionKeys: () => ({ ...embeds, sessionKeys: "k1:c2hvcnQ=" }),
    embedHost: () => ({ ...embeds, embedHost: "embed.example.net" }),
    "apps[0].id": () => ({ ...embeds, apps: [{ id: "a b" }] }),
    workspaces: () => ({ workspaces: ["A"] }),
    consistency: () => ({ consistency: "eventual" }),
    development: () => ({ development: "yes" }),
    origin: () => ({ ...embeds, origin: "https://gate.example:8443" }),
    variable: () => ({ variable: 1 }),
  })) {
    test(field, () => {
      const given = options();
      const whole = given && { store: memoryStore(), ...given };
      assert.throws(() => gatepass.createGate(whole), { code: "config_invalid", field });
    });
  }

  test("null in place of options", () => {
    const field = "options";
    assert.throws(() => gatepass.createGate(null), { code: "config_invalid", field });
  });

  for (const origin of ["gate.example", "https://gate.example/", "ftp://gate.example"]) {
    test(`the origin ${origin}`, () => {
      const options = { store: memoryStore(), development: true, origin };
      const field = "origin";
      assert.throws(() => gatepass.createGate(options), { code: "config_invalid", field });
    });
  }

  test("strict consistency of a store whose reads may be old", () => {
    const { get, put, list } = memoryStore();
    const options = { store: { get, put, list }, consistency: "strict" };
    const field = "consistency";
    assert.throws(() => gatepass.createGate(options), { code: "config_invalid", field });
  });
});

describe("a mistake in what is asked of tokens is invalid_field", () => {
  const user = { id: "ada" };
  for (const [field, ask] of Object.entries({
    options: (tokens) => tokens.create(),
    name: (tokens) => tokens.create({ user }),
    user: (tokens) => tokens.create({ name: "a" }),
    "user.email": (tokens) => tokens.create({ name: "a", user: { email: "ada" } }),
    never: (tokens) => tokens.create({ name: "a", user, never: true, expiresInDays: 1 }),
    scopes: (tokens) => tokens.create({ name: "a", user, scopes: ["a b"] }),
    allowedIps: (tokens) => tokens.create({ name: "a", user, allowedIps: ["192.0.2.1/24"] }),
    workspace: (tokens) => tokens.create({ name: "a", user, workspace: "other" }),
    app: (tokens) => tokens.create({ name: "a", user, kind: "embed", app: "other" }),
    state: (tokens) => tokens.create({ name: "a", user, state: "active" }),
    limit: (tokens) => tokens.list({ limit: 101 }),
    email: (tokens) => tokens.list({ email: "ada@example.com" }),
  })) {
    test(field, async () => {
      const { tokens } = gatepass.createGate({ store: memoryStore() });
      await assert.rejects(ask(tokens), { code: "invalid_field", field });
    });
  }

  test("what is no token's id is token_unknown", async () => {
    const { tokens } = gatepass.createGate({ store: memoryStore() });
    for (const id of ["", "x", "../t/0", "0000-01ARZ3NDEKTSV4RRFFQ69G5FAV"]) {
      await assert.rejects(tokens.revoke(id), { code: "token_unknown" });
    }
  });
});

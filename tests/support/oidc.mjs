// A real OpenID provider on loopback, whose signing keys can be changed.

import { generateKeyPairSync, sign } from "node:crypto";
import Provider from "oidc-provider";
import { keepJwt, keepKey } from "./secrets.mjs";
import { startServer } from "./stand-ins.mjs";
import { basic } from "./tokens.mjs";

const CLIENT = { id: "tests", secret: "tests" };
const LIFETIME = 300;

const PAIRS = {
  RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  EdDSA: () => generateKeyPairSync("ed25519"),
};

/**
 * Starts a provider that issues JWTs (RFC 9068) to a client that has a secret, for whatever user.
 *
 * @param {object} [options]
 * @param {string} [options.audience] the `aud` of its JWTs
 * @param {object} [options.claims] further claims of every JWT
 */
export async function startProvider({ audience = "gatepass", claims = {} } = {}) {
  const wanted = new Map();
  let requests = 0;
  let generation = 0;
  let pairs = [];
  let handle;
  const server = await startServer((request, response) => {
    if (request.url !== "/jwks") return handle(request, response);
    requests += 1;
    return (provider.fault ?? handle)(request, response);
  });
  const issuer = server.url;

  const provider = {
    ...{ issuer, audience, jwks: `${issuer}/jwks`, stop: server.stop },

    /** What answers in its place who asks for its keys: a listener of `node:http`. */
    fault: undefined,

    /** How often its keys were asked for. */
    requests: () => requests,

    /** What it signs with: `{alg, kid, publicKey, privateKey}`. */
    key: (alg) => pairs.find((pair) => pair.alg === alg),

    /** From now on it signs with new keys; with `keep` the old ones stay among its keys. */
    rotate({ keep = false } = {}) {
      generation += 1;
      const made = Object.entries(PAIRS).map(([alg, make]) => ({
        ...{ alg, kid: `${alg}-${generation}` },
        ...make(),
      }));
      pairs = keep ? [...made, ...pairs] : made;
      // Its keys are fixed when it is made.
      handle = new Provider(issuer, configuration(pairs, audience, wanted)).callback();
    },

    /** A JWT that it issues, with claims over the usual ones; `undefined` leaves one out. */
    async token({ alg = "ES256", ...others } = {}) {
      const resource = `urn:tests:${wanted.size}`;
      wanted.set(resource, { alg, claims: { ...claims, ...others } });
      const answer = await fetch(`${issuer}/token`, {
        method: "POST",
        headers: { authorization: basic(CLIENT.id, CLIENT.secret) },
        body: new URLSearchParams({ grant_type: "client_credentials", resource }),
      });
      if (!answer.ok) throw new Error(`no token: ${await answer.text()}`);
      const { access_token: jwt } = await answer.json();
      keepJwt(jwt);
      return jwt;
    },
  };
  provider.rotate();
  return provider;
}

function configuration(pairs, audience, wanted) {
  const keys = pairs.map(({ kid, privateKey }) => ({
    ...privateKey.export({ format: "jwk" }),
    kid,
  }));
  keepKey("a provider's key", keys);
  return {
    adapter: Nothing,
    clients: [
      {
        ...{ client_id: CLIENT.id, client_secret: CLIENT.secret },
        ...{ grant_types: ["client_credentials"], redirect_uris: [], response_types: [] },
      },
    ],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, resource) => ({
          ...{ audience, scope: "", accessTokenFormat: "jwt" },
          jwt: { sign: { alg: wanted.get(resource).alg } },
        }),
      },
    },
    formats: {
      customizers: {
        jwt: (_, { resourceServer }, { payload }) =>
          Object.assign(payload, wanted.get(resourceServer.identifier()).claims),
      },
    },
    jwks: { keys },
    ttl: { ClientCredentials: LIFETIME },
  };
}

/** What it would store: its JWTs need no store. */
class Nothing {
  async find() {}
  async upsert() {}
}

/** A part of a JWT. */
export const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A JWT by hand, as the provider would not issue one. */
export function signed(header, claims, { alg, kid, privateKey }) {
  const input = `${encoded({ alg, kid, ...header })}.${encoded(claims)}`;
  const hash = alg === "EdDSA" ? null : "sha256";
  const options = { key: privateKey, dsaEncoding: "ieee-p1363" };
  const jwt = `${input}.${sign(hash, Buffer.from(input), options).toString("base64url")}`;
  keepJwt(jwt);
  return jwt;
}

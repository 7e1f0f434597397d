// better-auth's API keys in a `Map`: https://better-auth.com/docs/plugins/api-key/advanced#storage-modes

import { apiKey } from "@better-auth/api-key";
import { betterAuth } from "better-auth";
import { requestsOf, secret } from "./requests.js";

export async function apiKeys() {
  const auth = makeAuth();
  const body = { userId: "ada", permissions: { jobs: ["read"] } };
  const { key: good } = await auth.api.createApiKey({ body });
  const wrong = good.replace(/.$/, (last) => (last === "x" ? "y" : "x"));
  const requests = requestsOf((key) => ({ "x-api-key": key }), { good, wrong });
  const check = async (request) => {
    const key = request.headers.get("x-api-key");
    if (!key) return null;
    const body = { key, permissions: { jobs: ["read"] } };
    const found = await auth.api.verifyApiKey({ body });
    return found.valid ? found.key.referenceId : null;
  };
  return { requests, check };
}

function makeAuth() {
  const values = new Map();
  return betterAuth({
    baseURL: "https://app.example.com",
    secret: secret(),
    secondaryStorage: {
      get: async (key) => values.get(key) ?? null,
      set: async (key, value) => void values.set(key, value),
      delete: async (key) => void values.delete(key),
    },
    plugins: [
      // By default a key is good for ten requests a day.
      apiKey({ storage: "secondary-storage", rateLimit: { enabled: false } }),
    ],
  });
}

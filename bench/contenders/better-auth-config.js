// better-auth's API keys over KV: https://better-auth.com/docs/plugins/api-key/advanced#storage-modes

import { apiKey } from "@better-auth/api-key";
import { betterAuth } from "better-auth";
import { env } from "cloudflare:workers";

export const auth = betterAuth({
  baseURL: "https://app.example.com",
  secret: env.SECRET,
  secondaryStorage: {
    get: (key) => env.KEYS.get(key),
    set: (key, value, ttl) =>
      env.KEYS.put(key, value, ttl ? { expirationTtl: Math.max(60, Math.ceil(ttl)) } : {}),
    delete: (key) => env.KEYS.delete(key),
  },
  plugins: [
    apiKey({
      storage: "secondary-storage",
      keyExpiration: { minExpiresIn: 0 },
      // By default a key is good for ten requests a day.
      rateLimit: { enabled: false },
    }),
  ],
});

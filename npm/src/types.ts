// What goes in and comes out.

import type { Store } from "./store.js";

/** What a token is for: a program's requests, or opening an embed. */
export type Kind = "pat" | "embed";

/** How a gate is made. A mistake is a `GatepassError` with the code `config_invalid`. */
export interface GateOptions {
  /** Where the records are. */
  store: Store;
  /** The rules for paths; the first that matches counts. Where none does, any valid PAT opens. */
  routes?: Route[];
  /** The apps that can be embedded. They need `embedHost` and `sessionKeys`. */
  apps?: App[];
  /**
   * Whose subdomains embeds live at, such as `*.embed.example.net`; in development `*.localhost`, with
   * `development` and `origin`.
   */
  embedHost?: string;
  /**
   * The keys that sign sessions, newest first: `<kid>:<base64 of 32 bytes or more>`, separated by
   * commas. The newest signs, all verify.
   */
  sessionKeys?: string;
  /** The tenants. Default: one, `default`. */
  workspaces?: (string | Workspace)[];
  /**
   * `bounded` (default): a record that was read is believed for 5 seconds. `strict`: it is read
   * at each check.
   */
  consistency?: "bounded" | "strict";
  /**
   * In development, where the gate is asked, such as `http://localhost:8000`: embed URLs have its scheme
   * and port. Else they are https.
   */
  origin?: string;
  /** Whether this is a developer's machine, where plain HTTP is in order. */
  development?: boolean;
}

/** What requests with a PAT to a path need. In its place an embed may ask for each. */
export interface Route {
  /** A path, matched whole, or one that ends in `/*` and matches all below. */
  path: string;
  /** The methods it is for. Default: all. */
  methods?: string[];
  /** The scopes that a token needs, all of them. */
  scopes?: string[];
  /** Whether anybody may pass. */
  public?: boolean;
  /** The query parameter that may hold the token. */
  queryToken?: string;
  /** The origins whose pages may read the answers. */
  cors?: string[];
}

/** What can be embedded. */
export interface App {
  /** Its id in URLs: 1 to 64 letters, digits, `_` and `-`. */
  id: string;
  /** Its name, for people. */
  name?: string;
  /** The origins of the pages that may frame it, where a token names none. */
  allowedOrigins?: string[];
  /** The `Permissions-Policy` of its documents. Default: their own. */
  permissionsPolicy?: string;
  /** The `Cross-Origin-Embedder-Policy` of documents that bring none. Default: `credentialless`. */
  embedderPolicy?: "credentialless" | "require-corp" | "unsafe-none";
}

/** A tenant. */
export interface Workspace {
  name: string;
  /** The hosts that are its alone. */
  hosts?: string[];
}

/** A request, as far as the gate looks at it: any standard `Request`, or its like. */
export interface GateRequest {
  readonly method: string;
  /** The whole URL. */
  readonly url: string;
  /** Names in lower case, each once, as `Headers` has them. */
  readonly headers: Iterable<readonly [string, string]>;
}

/** What the platform knows of a request. */
export interface RequestContext {
  /**
   * The client's address, as the platform tells it. Without one, tokens that are bound to addresses
   * are refused. No header is believed.
   */
  address?: string | null;
}

/** What the gate decided. */
export type Decision = Allowed | Refused;

/** The request may pass. */
export interface Allowed {
  readonly allowed: true;
  /** Whose it is; null where the route is public. */
  readonly identity: Identity | null;
  /** The URL as the app may see it: without a token. */
  readonly url: string;
  /**
   * The request's headers as the app may see them: without the credential and whatever could deceive
   * the app, and with `Gatepass-User` and its like.
   */
  readonly headers: Headers;
  /**
   * The app's answer as it may leave: kept from shared caches, readable for the route's CORS origins,
   * and in an embed confined to its place. The answer is not read, and is used up.
   */
  guard(response: Response): Response;
}

/** The request is answered by the gate: refused, or on its way into an embed. */
export interface Refused {
  readonly allowed: false;
  readonly response: Response;
}

/** Whose request it is. */
export interface Identity {
  readonly kind: Kind;
  readonly tokenId: string;
  readonly user: User;
  readonly workspace: string;
  readonly scopes: readonly string[];
  /** The app and the session, in an embed. */
  readonly app?: string;
  readonly sessionId?: string;
}

/** A user. */
export interface User {
  readonly id: string;
  readonly email: string | null;
}

/** Decides about requests. */
export interface Gate {
  /** Decides about a request. Never throws: where the store fails the gate stays shut (503). */
  check(request: GateRequest, context?: RequestContext): Promise<Decision>;
  /**
   * Answers a request for an embed URL, `/embed-apps/<app>?personal-access-token=…`, or for one of the
   * pages around embeds below `/gatepass/`. `check` does the same where it meets one.
   */
  enter(request: GateRequest, context?: RequestContext): Promise<Response>;
  /** The tokens in the store. */
  readonly tokens: Tokens;
}

/** Creates, lists and revokes tokens. Whoever calls these acts as admin: check who asks before. */
export interface Tokens {
  /** Makes a token. The answer is the only place where its text ever is. */
  create(options: CreateEmbed & OneApp): Promise<CreatedEmbed>;
  create(options: CreateToken): Promise<CreatedToken>;
  /**
   * Tokens without their texts: of one user in the order of their creation, or everybody's, those of
   * each user together. A part may be empty, and still not be the last.
   */
  list(options?: ListTokens): Promise<TokenList>;
  /** Revokes a token and ends its sessions; also the second time. Answers the token as it is now. */
  revoke(id: string): Promise<Token>;
}

/** How a token shall be. */
export type CreateToken = CreatePat | CreateEmbed;

/** A token for a program. */
export type CreatePat = CreateAny & {
  kind?: "pat";
  /** What it may do. */
  scopes?: string[];
  /** The apps that it is for, for upstreams to know; `["*"]` for all. */
  apps?: string[];
};

/** A token that opens an app in an iframe. */
export type CreateEmbed = CreateAny & {
  kind: "embed";
  /** Tells two embeds of one user and app apart. */
  label?: string;
  /** The origins of the pages that may frame it. Default: the app's. */
  allowedOrigins?: string[];
  /** Whether it opens one session only. */
  singleUse?: boolean;
  /** Whether it opens in a tab, too. */
  topLevel?: boolean;
  /** How long a session lasts. Default: 60. */
  sessionMinutes?: number;
  /** After how many minutes without a request a session ends. Default: it does not end so. */
  idleMinutes?: number;
} & (OneApp | { /** The apps that it opens; `["*"]` for all. */ apps: string[]; app?: never });

/** The one app that an embed token opens. */
export interface OneApp {
  app: string;
  apps?: never;
}

/** What tokens of both kinds have. */
export type CreateAny = Lifetime & {
  /** For people. */
  name: string;
  /** Whose. Without an id, the e-mail address in lower case is the id. */
  user: { id: string; email?: string } | { id?: string; email: string };
  /** Default: the first workspace. */
  workspace?: string;
  description?: string;
  /** IPv4 and IPv6 addresses and blocks (CIDR). Default: from anywhere. */
  allowedIps?: string[];
  /** Whether the store is read at each use. */
  strict?: boolean;
};

/** How long a token lives: one of these. Default: a PAT 30 days, an embed token 24 hours. */
export type Lifetime =
  | { expiresInDays?: number; expiresAt?: never; never?: never }
  | { /** RFC 3339. */ expiresAt: string; expiresInDays?: never; never?: never }
  | { never: true; expiresAt?: never; expiresInDays?: never };

/** A token as lists show it. Times are RFC 3339, UTC. */
export interface Token {
  readonly id: string;
  readonly kind: Kind;
  readonly name: string;
  readonly description: string;
  /** How its text begins. */
  readonly start: string;
  readonly user: User;
  readonly workspace: string;
  readonly scopes: readonly string[];
  readonly apps: readonly string[];
  readonly label: string;
  readonly allowedOrigins: readonly string[];
  readonly allowedIps: readonly string[];
  readonly createdAt: string;
  /** null: never. */
  readonly expiresAt: string | null;
  readonly state: "active" | "disabled" | "used" | "revoked" | "expired";
  readonly strict: boolean;
  readonly singleUse: boolean;
  readonly sessionMinutes: number | null;
  readonly idleMinutes: number | null;
  readonly topLevel: boolean;
}

/** A new token. */
export interface CreatedToken extends Token {
  /** Its text: a secret, shown once. */
  readonly token: string;
  /** The URL that opens the app of an embed token; a secret, too. */
  readonly embedUrl?: string;
  /** The same where it is for several apps. */
  readonly embedUrls?: readonly { readonly app: string; readonly url: string }[];
}

/** A new token for one app. */
export interface CreatedEmbed extends CreatedToken {
  readonly embedUrl: string;
}

/** Which tokens to list. */
export interface ListTokens {
  /** A user's id: without one of your own, the e-mail address in lower case. */
  user?: string;
  /** Default: the first workspace. */
  workspace?: string;
  /** 1 to 100; default 50. */
  limit?: number;
  cursor?: string;
}

/** A part of a list of tokens. */
export interface TokenList {
  readonly result: readonly Token[];
  /** What to give as `cursor` for the next part; null where this was the last one. */
  readonly next: string | null;
}

/** What the text of a token tells. */
export interface ParsedToken {
  readonly kind: Kind;
  /** The part that lists show. */
  readonly start: string;
  /** Names the group of users that its owner is one of. */
  readonly hint: string;
}

/** What an embed's cookie holds. Times are Unix seconds. */
export interface Session {
  readonly id: string;
  readonly workspace: string;
  readonly user: string;
  readonly app: string;
  /** The 16 characters of its place. */
  readonly place: string;
  /** The SHA-256 of the token that opened it, in hexadecimal. */
  readonly digest: string;
  readonly issued: number;
  readonly expires: number;
}

/** What a Bearer challenge says (RFC 6750 §3). */
export type ChallengeError = "invalid_request" | "invalid_token" | "insufficient_scope";

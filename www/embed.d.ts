/** Why a session cannot be opened, or is over. The gate's problems and pages have the same codes. */
export type GatepassCode =
  | "address_not_allowed"
  | "app_mismatch"
  | "authentication_disabled"
  | "cookies_blocked"
  | "cross_site"
  | "invalid_request"
  | "kind_mismatch"
  | "origin_not_allowed"
  | "rate_limited"
  | "session_ended"
  | "store_unavailable"
  | "token_disabled"
  | "token_expired"
  | "token_malformed"
  | "token_revoked"
  | "token_unknown"
  | "token_used"
  | "upstream_unavailable";

/** What is asked of the host page's backend. */
export interface EmbedUrlRequest {
  /** A session of this element has been open before: the embed URL must be for the same place. */
  readonly renew: boolean;
  /** The URL is for a tab of its own: the token must be `topLevel`. */
  readonly topLevel: boolean;
}

/** What the backend answers; what Gatepass answered it may be passed on whole, less the token. */
export type EmbedUrlAnswer = {
  /** The origins that may frame it. Where this page's is missing, nothing is opened. */
  readonly allowedOrigins?: readonly string[];
} & (
  | { readonly embedUrl: string; readonly redirectUrl?: string }
  | { /** As ToolJet names it. */ readonly redirectUrl: string; readonly embedUrl?: undefined }
);

/**
 * Gets an embed URL, afresh each time. An error with one of the codes as its `code` says why there
 * is none; any other error is a passing one, and it is asked again.
 */
export type GetUrl = (
  request: EmbedUrlRequest,
) => string | EmbedUrlAnswer | Promise<string | EmbedUrlAnswer>;

export type EmbedOptions = {
  /** The frame follows the height that the app says; see docs/embedding.md. */
  readonly resize?: boolean;
  /** What the frame is called to people who cannot see it: "Embedded app" by default. */
  readonly title?: string;
  /** The app frame's permissions policy, as an iframe's `allow`. */
  readonly allow?: string;
} & (
  | {
      /** Where to POST for an embed URL, with the host page's cookies if it is of the same origin. */
      readonly urlEndpoint: string;
      readonly getUrl?: undefined;
    }
  | { readonly getUrl: GetUrl; readonly urlEndpoint?: undefined }
);

/** `upstream_unavailable`, `store_unavailable` and `rate_limited` are tried again by themselves. */
export interface GatepassDetail {
  readonly code: GatepassCode;
  /** For developers, in English; it holds no token. */
  readonly message?: string;
}

export interface GatepassEmbedEventMap {
  /** The app has loaded. */
  ready: CustomEvent<null>;
  /** There is a new session in the place of the one before; the app has not been loaded again. */
  renewed: CustomEvent<null>;
  /** The session is over. After an offline spell `renewed` or `ready` may still follow. */
  ended: CustomEvent<GatepassDetail>;
  /** A session could not be opened or renewed, or the app's frame shows an error of the gate. */
  error: CustomEvent<GatepassDetail>;
}

/**
 * `<gatepass-embed url-endpoint="…" [resize] [frame-title="…"] [allow="…"]>`
 *
 * 1. In the document it asks for an embed URL, opens it in a hidden frame and then shows the app.
 *    Out of the document it lets go of everything; put back, or given another `url-endpoint`, it
 *    starts anew. `frame-title` and `allow` are read when a frame is made, `resize` at each message.
 * 2. The session is renewed when a fifth of it is left, but at least 5 s and at most 5 min before
 *    its end, by the wall clock; after sleep or an offline spell at once.
 * 3. The endpoint's 408, 425, 429 and 5xx, a lost network and the three passing codes are tried
 *    again after 1, 2, 4 … 60 s, less up to a half by chance, and not before a `Retry-After`. Any
 *    other 4xx is final: its problem's `code`, or `invalid_request`.
 * 4. A frame that has loaded and is silent for 10 s is `origin_not_allowed` if the gate's embed.js
 *    can be read (a Content-Security-Policy needs the place in `connect-src` for that), else
 *    `upstream_unavailable`.
 * 5. While renewals fail, the app stays until its session has ended.
 *
 * Its height is 480 px, or by `resize` the app's, which is in `--gatepass-height`; the page's CSS
 * overrules both.
 */
export interface GatepassEmbedElement extends HTMLElement {
  /** In place of `url-endpoint`; to be set before the element is in the document. */
  getUrl?: GetUrl | undefined;

  addEventListener<K extends keyof GatepassEmbedEventMap>(
    type: K,
    listener: (this: GatepassEmbedElement, event: GatepassEmbedEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener<K extends Exclude<keyof HTMLElementEventMap, keyof GatepassEmbedEventMap>>(
    type: K,
    listener: (this: GatepassEmbedElement, event: HTMLElementEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;

  removeEventListener<K extends keyof GatepassEmbedEventMap>(
    type: K,
    listener: (this: GatepassEmbedElement, event: GatepassEmbedEventMap[K]) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener<K extends Exclude<keyof HTMLElementEventMap, keyof GatepassEmbedEventMap>>(
    type: K,
    listener: (this: GatepassEmbedElement, event: HTMLElementEventMap[K]) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | EventListenerOptions,
  ): void;
}

/** Makes a `<gatepass-embed>`, appends it to a container and answers it. */
export function embed(
  container: Element | DocumentFragment,
  options: EmbedOptions,
): GatepassEmbedElement;

declare global {
  interface HTMLElementTagNameMap {
    "gatepass-embed": GatepassEmbedElement;
  }
}

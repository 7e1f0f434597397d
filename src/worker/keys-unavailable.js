// What is thrown where keys to verify with cannot be had: nobody can say whether a signature is good.

export class KeysUnavailable extends Error {
  name = "KeysUnavailable";

  /** `reason` holds nothing of what was to be verified. */
  constructor(reason = "they are away or malformed") {
    super(`keys cannot be had: ${reason}`);
  }
}

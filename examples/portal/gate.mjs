// The little of Gatepass's API that a portal needs.

const PATIENCE = 10_000;

/** The gate refused, or could not be reached: `code` is the gate's. */
export class GateError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

export class Gate {
  #url;
  #authorization;

  /** @param {string} url where the gate is @param {string} operatorKey stays in this process */
  constructor(url, operatorKey) {
    this.#url = url;
    this.#authorization = `Basic ${Buffer.from(`operator:${operatorKey}`).toString("base64")}`;
  }

  /** Makes an embed token; answers it whole. `fields` are those of the token API. */
  makeToken(fields) {
    return this.#ask("POST", "/tokens", fields);
  }

  /** Kills every session that a user has now; answers how many. */
  async endSessions(user) {
    const query = new URLSearchParams({ user });
    let ended = 0;
    for (;;) {
      const { result, next } = await this.#ask("GET", `/sessions?${query}`);
      await Promise.all(result.map(({ id }) => this.#ask("DELETE", `/sessions/${id}`)));
      ended += result.length;
      if (next === null) return ended;
      query.set("cursor", next);
    }
  }

  async #ask(method, path, fields) {
    const answer = await fetch(`${this.#url}/gatepass/api${path}`, {
      method,
      headers: { authorization: this.#authorization, "content-type": "application/json" },
      body: JSON.stringify(fields),
      redirect: "error",
      signal: AbortSignal.timeout(PATIENCE),
    }).catch((error) => {
      throw new GateError("upstream_unavailable", `The gate cannot be reached: ${error.message}`);
    });
    const body = await answer.json().catch(() => undefined);
    if (answer.ok) return body;
    const { code = "upstream_unavailable", detail = "The gate answered something else" } =
      body ?? {};
    throw new GateError(code, `${detail} (${answer.status})`);
  }
}

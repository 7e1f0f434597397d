// A bounded memory of what texts mean.

/** Finds something for a text, and remembers it for `most` texts that are no longer than `longest`. */
export class Remembered {
  #found = new Map();
  #bounds;
  #find;

  constructor(bounds, find) {
    this.#bounds = bounds;
    this.#find = find;
  }

  get(text) {
    return this.#found.get(text) ?? this.#learn(text);
  }

  #learn(text) {
    const value = this.#find(text);
    if (text.length > this.#bounds.longest) return value;
    if (this.#found.size >= this.#bounds.most) this.#found.clear();
    this.#found.set(text, value);
    return value;
  }
}

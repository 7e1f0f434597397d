// Things of which some are at hand.

/** A bounded pool; beyond that, the oldest goes. */
export class Pool {
  #items = [];
  #most;
  #next = 0;

  constructor(most) {
    this.#most = most;
  }

  get size() {
    return this.#items.length;
  }

  add(item) {
    if (this.#items.length < this.#most) this.#items.push(item);
    else this.#items[this.#next++ % this.#most] = item;
  }

  /** One of them; undefined where there is none. */
  pick() {
    return this.#items[Math.floor(Math.random() * this.#items.length)];
  }

  /** Takes one out. */
  take() {
    const at = Math.floor(Math.random() * this.#items.length);
    const item = this.#items[at];
    const last = this.#items.pop();
    if (at < this.#items.length) this.#items[at] = last;
    return item;
  }
}

/** One of a list. */
export const anyOf = (list) => list[Math.floor(Math.random() * list.length)];

/** Picks from a list, the first most often: the nth `1/n` times as often (Zipf). */
export function zipf(list) {
  return weighted(list.map((item, at) => [1 / (at + 1), item]));
}

/** Picks from pairs of weight and item. */
export function weighted(pairs) {
  let sum = 0;
  const ends = Float64Array.from(pairs, ([weight]) => (sum += weight));
  return () => {
    const wanted = Math.random() * sum;
    let [low, high] = [0, ends.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ends[middle] > wanted) high = middle;
      else low = middle + 1;
    }
    return pairs[low][1];
  };
}

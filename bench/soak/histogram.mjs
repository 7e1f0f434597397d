// Latencies in fixed memory: the buckets of each power of two are 32, so a figure is at most 3 % off.

const BUCKETS = 32;
const SIZE = 28 * BUCKETS;

/** Counts of whole microseconds, up to half an hour. */
export class Histogram {
  #counts = new Uint32Array(SIZE);
  count = 0;
  max = 0;

  /** Counts one, in milliseconds. */
  record(milliseconds) {
    const value = Math.min(2 ** 31 - 1, Math.max(0, Math.round(milliseconds * 1000)));
    this.#counts[bucketOf(value)]++;
    this.count++;
    this.max = Math.max(this.max, value);
  }

  /** Counts what another has counted. */
  add(other) {
    other.#counts.forEach((count, bucket) => (this.#counts[bucket] += count));
    this.count += other.count;
    this.max = Math.max(this.max, other.max);
  }

  /** The milliseconds within which this share of all stays. */
  within(share) {
    const wanted = Math.ceil(share * this.count);
    let seen = 0;
    const bucket = this.#counts.findIndex((count) => (seen += count) >= wanted);
    return Math.min(this.max, this.count === 0 ? 0 : endOf(bucket)) / 1000;
  }

  /** `{count, p50, p99, p999, max}`, in milliseconds. */
  summary() {
    const [p50, p99, p999] = [0.5, 0.99, 0.999].map((share) => this.within(share));
    return { count: this.count, p50, p99, p999, max: this.max / 1000 };
  }
}

function bucketOf(value) {
  const shift = Math.max(0, 26 - Math.clz32(value));
  return shift * BUCKETS + (value >> shift);
}

/** The greatest value of a bucket. */
function endOf(bucket) {
  const shift = Math.max(0, Math.floor(bucket / BUCKETS) - 1);
  return (bucket - shift * BUCKETS + 1) * 2 ** shift - 1;
}

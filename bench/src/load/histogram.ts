/** Buckets per doubling: values are known to about 3 %. */
const STEPS = 24;
const SMALLEST_MS = 0.01;

/** Times in milliseconds, counted in buckets: millions of them take no memory. */
export class Histogram {
  private readonly buckets = new Uint32Array(STEPS * 24);
  count = 0;

  add(ms: number): void {
    const bucket = Math.floor(Math.log2(Math.max(ms, SMALLEST_MS) / SMALLEST_MS) * STEPS);
    const index = Math.min(bucket, this.buckets.length - 1);
    this.buckets[index] = (this.buckets[index] ?? 0) + 1;
    this.count += 1;
  }

  /** @param share 0.5 for the median; the upper edge of the bucket it falls in, 0 when nothing was counted */
  quantile(share: number): number {
    let left = Math.ceil(this.count * share);
    if (left === 0) return 0;
    const index = this.buckets.findIndex((count) => (left -= count) <= 0);
    return SMALLEST_MS * 2 ** ((index + 1) / STEPS);
  }

  clear(): void {
    this.buckets.fill(0);
    this.count = 0;
  }
}

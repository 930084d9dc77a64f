/** One Redis node, or the nodes a cluster is found through. */
export type RedisTarget = ({ readonly url: string } | { readonly cluster: readonly string[] }) & {
  /** How long a command may take before it counts as unanswered, in milliseconds; 2 000 by default. */
  readonly answerMs?: number;
};

/**
 * Reads `REDIS_URL`: one url, or several separated by commas for a cluster.
 * @throws Error naming what is wrong, without the url (it may hold a password)
 */
export function parseRedisTarget(text: string): RedisTarget {
  const urls = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  for (const url of urls) {
    if (!URL.canParse(url) || !/^rediss?:$/.test(new URL(url).protocol)) {
      throw new Error('REDIS_URL must be redis:// or rediss:// urls, separated by commas for a cluster');
    }
  }
  const [first, ...others] = urls;
  if (first === undefined) throw new Error('REDIS_URL is empty');
  return others.length === 0 ? { url: first } : { cluster: urls };
}

import { createHash, randomUUID } from 'node:crypto';
import { Cluster } from 'ioredis';
import type { RedisConnection } from './connection';
import type { Keys } from './keys';
import { markTags } from './marks';

/**
 * Tells whether the store lost something. One Redis loses everything at once, and with it the generation; of a cluster
 * one node may, so there every part of the slots has a mark of its own.
 */
export class Generations {
  private readonly marks: string[];
  /** The marks as they were seen last, in the same order. */
  private seen: (string | undefined)[];

  constructor(
    private readonly redis: RedisConnection,
    private readonly keys: Keys,
  ) {
    this.marks = redis.client instanceof Cluster ? markTags().map((tag) => keys.mark(tag)) : [];
    this.seen = this.marks.map(() => undefined);
  }

  /** The present one, without beginning it. */
  async read(): Promise<string> {
    const [, generation] = this.keys.replicas;
    const id = await this.redis.guard(() => this.redis.client.hget(generation, 'id'));
    return this.with(id ?? '', 'all');
  }

  /**
   * @param id of the part that the beats are in
   * @param parts `all`: every part must answer
   */
  async with(id: string, parts: 'all' | 'those there'): Promise<string> {
    if (this.marks.length === 0) return id;
    const fresh = randomUUID();
    const answers = await Promise.allSettled(
      this.marks.map((key) => this.redis.guard(() => this.redis.client.set(key, fresh, 'NX', 'GET'))),
    );
    const silent = answers.find((answer) => answer.status === 'rejected');
    if (silent && parts === 'all') throw silent.reason;
    // A part that does not answer is away, not lost: what it has is known when it is back.
    this.seen = answers.map((answer, n) => (answer.status === 'fulfilled' ? (answer.value ?? fresh) : this.seen[n]));
    return createHash('sha256')
      .update([id, ...this.seen].join(' '))
      .digest('base64url');
  }
}

import type { RegionId } from '@parley/domain';
import { INTERNAL_HEADER, type InternalAuth, type RegionLetters } from '@parley/server-kit';
import { z } from 'zod';
import type { RegionTable } from '../region-table';
import { type Owner, RegionSilent, type Thing } from '../routing/residency';
import { originOf } from './origins';
import { UpstreamClient, UpstreamError, type UpstreamTimes } from './upstream';

const TIMES: UpstreamTimes = { connectMs: 2_000, answerMs: 5_000 };
/** A domain's name and a word. */
const MAX_ANSWER_BYTES = 4_096;

const answerSchema = z.object({ answer: z.object({ domain: z.string(), strict: z.boolean() }).nullable() });

/** Asks other regions, by their front doors, whose something is that they have. */
export class OwnerLetters {
  private readonly client = new UpstreamClient();

  constructor(
    private readonly table: RegionTable,
    private readonly auth: InternalAuth,
    private readonly letters: RegionLetters,
    private readonly now: () => Date,
  ) {}

  /**
   * Null when nobody has it.
   * @throws RegionSilent
   */
  async ask(id: RegionId, thing: Thing): Promise<Owner | null> {
    const region = this.table.find(id);
    if (region === undefined || region.state === 'down') throw new RegionSilent(id, new Error('it is down'));
    const path = `/internal/owners/${thing.kind}/${encodeURIComponent(thing.id)}`;
    try {
      return await this.send(region.url, path).catch((error: unknown) => {
        // A kept connection may just have ended; asking twice does no harm.
        if (error instanceof UpstreamError && !error.timedOut) return this.send(region.url, path);
        throw error;
      });
    } catch (error) {
      throw new RegionSilent(id, error);
    }
  }

  close(): Promise<void> {
    return this.client.close();
  }

  private async send(url: string, path: string): Promise<Owner | null> {
    const now = this.now();
    const body = this.letters.seal(path, {}, now);
    const call = { method: 'POST', path, from: `region-router@${this.table.own.id}`, hops: 1 };
    const headers = [
      ...['host', originOf(url).host, INTERNAL_HEADER, this.auth.sign(call, now)],
      ...['content-type', 'application/octet-stream'],
    ];
    const answer = await this.client.send(url, { method: 'POST', target: path, headers, body }, TIMES);
    const bytes = await answer.read(MAX_ANSWER_BYTES);
    if (answer.status !== 200) throw new Error(`it answered ${answer.status}`);
    return answerSchema.parse(JSON.parse(bytes.toString())).answer;
  }
}

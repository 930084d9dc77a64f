import type { IncomingMessage } from 'node:http';
import { brandAs, type Directory, type DomainName, type RegionId } from '@parley/domain';
import { decodeEnvelope, mergeLists, type Envelope } from '@parley/protocol-xroom';
import type { Passage } from '../proxy/passage';
import type { Proxy, Reply } from '../proxy/proxy';
import type { ReplicaGroup } from '../proxy/replicas';
import { UpstreamError } from '../proxy/upstream';
import type { RegionTable } from '../region-table';

/** Most bytes of one region's answer that are merged. */
const MAX_ANSWER_BYTES = 16 * 1_048_576;

/** Names the domains that a merged list leaves out, because their data does not leave their region. */
export const OMITTED_HEADER = 'x-parley-omitted-domains';

/** One region's answer, complete. */
interface Part {
  readonly status: number;
  readonly envelope: Envelope;
  readonly omitted: readonly string[];
}

export type ListAnswer =
  | { readonly ok: true; readonly status: number; readonly envelope: Envelope; readonly omitted: readonly string[] }
  | { readonly ok: false; readonly region: RegionId; readonly error: unknown };

/** Lists that concern an account as a whole: every region where it has domains answers for its own. */
export class AccountLists {
  constructor(
    private readonly proxy: Proxy,
    private readonly table: RegionTable,
    private readonly api: ReplicaGroup,
    private readonly directory: Directory,
  ) {}

  /** Asks all regions at once. An error of one is the answer: a list that silently lacks a region would lie. */
  async everywhere(passage: Passage, regions: readonly RegionId[], body: Buffer): Promise<ListAnswer> {
    const outcomes = await Promise.all(
      regions.map((region) =>
        this.part(passage, region, body).then(
          (part) => ({ region, part }),
          (error: unknown) => ({ region, error }),
        ),
      ),
    );
    const parts: Part[] = [];
    for (const outcome of outcomes) {
      if ('error' in outcome) return { ok: false, region: outcome.region, error: outcome.error };
      parts.push(outcome.part);
    }
    const refused = parts.find((part) => part.status !== 200 || part.envelope.isError);
    if (refused !== undefined) return { ok: true, ...refused };
    const envelope = mergeLists(parts.map((part) => part.envelope));
    return { ok: true, status: 200, envelope, omitted: parts.flatMap((part) => part.omitted) };
  }

  /** This region's part, for the router of another one: strictly resident domains are named, not told. */
  async forOtherRegion(passage: Passage, body: Buffer): Promise<ListAnswer> {
    const region = this.table.own.id;
    try {
      const part = await this.part(passage, region, body);
      const { data } = part.envelope;
      if (typeof data !== 'object' || data === null) return { ok: true, ...part };
      const told: Record<string, unknown> = {};
      const omitted: string[] = [];
      for (const [domain, rooms] of Object.entries(data)) {
        const home = await this.directory.domain(brandAs<DomainName>(domain));
        if (home?.strictResidency === true) omitted.push(domain);
        else told[domain] = rooms;
      }
      return { ok: true, status: part.status, envelope: { ...part.envelope, data: told }, omitted };
    } catch (error) {
      return { ok: false, region, error };
    }
  }

  private async part(passage: Passage, region: RegionId, body: Buffer): Promise<Part> {
    const reply = await this.ask(passage, region, body);
    try {
      const bytes = await collect(reply.message);
      const envelope = decodeEnvelope(bytes);
      if (!envelope.ok) throw new UpstreamError(false, new Error('the answer is no envelope'));
      const named = reply.message.headers[OMITTED_HEADER];
      const omitted = typeof named === 'string' ? named.split(', ') : [];
      return { status: reply.message.statusCode ?? 500, envelope: envelope.value, omitted };
    } finally {
      reply.done();
    }
  }

  private ask(passage: Passage, region: RegionId, body: Buffer): Promise<Reply> {
    if (region === this.table.own.id) return this.proxy.askGroup(passage, this.api, body);
    const other = this.table.find(region);
    if (other === undefined) throw new UpstreamError(true, new Error('the region is not in the table'));
    return this.proxy.askRegion(passage, other, body);
  }
}

async function collect(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of message as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_ANSWER_BYTES) throw new Error('the answer is too large to merge');
      chunks.push(chunk);
    }
  } catch (error) {
    throw new UpstreamError(false, error);
  }
  return Buffer.concat(chunks);
}

import type { ServerResponse } from 'node:http';
import { parseDomainName, type Directory, type RegionId } from '@parley/domain';
import type { Passage } from '../proxy/passage';
import type { Body, Proxy, Reply } from '../proxy/proxy';
import type { ReplicaGroup } from '../proxy/replicas';
import { UnsendableError, UpstreamError } from '../proxy/upstream';
import type { RegionTable } from '../region-table';
import { type ListForm, type ListPart, restList, xroomList } from './list-forms';
import { isXroomPath } from '../routing/paths';

/** Most bytes of one region's answer that are merged. */
const MAX_ANSWER_BYTES = 16 * 1_048_576;

/** Names the domains that a merged list leaves out, because their data does not leave their region. */
export const OMITTED_HEADER = 'x-parley-omitted-domains';
/** Names the regions whose part a merged list lacks, because they did not answer. */
export const MISSING_HEADER = 'x-parley-missing-regions';

/** With lists by a bearer key: all regions of the account, which only an api can tell of a key. */
export const REGIONS_HEADER = 'x-parley-account-regions';

/** One region's answer, complete. */
interface Part extends ListPart {
  readonly status: number;
  readonly omitted: readonly string[];
  /** As {@link REGIONS_HEADER} says. */
  readonly regions?: string | undefined;
}

export type ListAnswer =
  | (Part & { readonly ok: true; readonly missing: readonly RegionId[] })
  | { readonly ok: false; readonly region: RegionId; readonly error: unknown };

/** Lists that concern an account as a whole: every region where it has domains answers for its own. */
export class AccountLists {
  constructor(
    private readonly proxy: Proxy,
    private readonly table: RegionTable,
    private readonly api: ReplicaGroup,
    private readonly directory: Pick<Directory, 'domain'>,
  ) {}

  /**
   * Asks all regions at once. One that is dead is named in the answer and does not fail it; one that refuses the caller
   * does, since its refusal is about the caller.
   */
  async everywhere(passage: Passage, regions: readonly RegionId[], body: Body): Promise<ListAnswer> {
    const form = formOf(passage);
    const says = { regions: regions.join(',') };
    const outcomes = await Promise.all(
      regions.map((region) =>
        this.part(passage, region, body, { form, says }).then(
          (part) => ({ region, part }),
          (error: unknown) => ({ region, error }),
        ),
      ),
    );
    const parts = outcomes.flatMap((outcome) => ('part' in outcome ? [outcome.part] : []));
    const dead = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome] : []));
    // What nobody can be sent says nothing about a region.
    const unsendable = dead.find(({ error }) => error instanceof UnsendableError);
    const first = unsendable ?? dead[0];
    if ((parts.length === 0 || unsendable !== undefined) && first !== undefined) return { ok: false, ...first };
    const refused = parts.find((part) => part.status !== 200 || part.isRefusal);
    if (refused !== undefined) return { ok: true, ...refused, missing: [] };
    const missing = dead.map(({ region }) => region);
    const json = form.merge(parts, missing);
    return { ok: true, status: 200, json, isRefusal: false, omitted: parts.flatMap((part) => part.omitted), missing };
  }

  /** This region's part, for the router of another one: strictly resident domains are named, not told. */
  async forOtherRegion(passage: Passage, body: Body): Promise<ListAnswer> {
    const region = this.table.own.id;
    try {
      const form = formOf(passage);
      const part = await this.part(passage, region, body, { form, says: {} });
      if (part.isRefusal || part.status !== 200) return { ok: true, ...part, missing: [] };
      const strict = new Set<string>();
      for (const text of form.domains(part.json)) if (await this.isStrict(text)) strict.add(text);
      return { ok: true, ...part, json: form.without(part.json, strict), omitted: [...strict], missing: [] };
    } catch (error) {
      return { ok: false, region, error };
    }
  }

  private async isStrict(text: string): Promise<boolean> {
    const name = parseDomainName(text);
    return name.ok && (await this.directory.domain(name.value))?.strictResidency === true;
  }

  /** @throws UpstreamError when the region does not answer, or only that it cannot */
  private async part(
    passage: Passage,
    region: RegionId,
    body: Body,
    { form, says }: { readonly form: ListForm; readonly says: { readonly regions?: string } },
  ): Promise<Part> {
    const reply = await this.ask(passage, region, body, says);
    try {
      const { status, headers } = reply.answer;
      const bytes = await reply.answer.read(MAX_ANSWER_BYTES).catch((error: unknown) => {
        throw new UpstreamError(false, error);
      });
      if (status >= 500) throw new UpstreamError(false, new Error(`the region answered ${status}`));
      const read = form.read(bytes, status);
      if (read === undefined) throw new UpstreamError(false, new Error('the answer is no list'));
      const named = headers[OMITTED_HEADER];
      const regions = headers[REGIONS_HEADER]?.toString();
      return { ...read, status, omitted: typeof named === 'string' ? named.split(', ') : [], regions };
    } finally {
      reply.done();
    }
  }

  private async ask(passage: Passage, region: RegionId, body: Body, says: { regions?: string }): Promise<Reply> {
    const times = this.proxy.times.listPart;
    if (region === this.table.own.id) return this.proxy.askGroup(passage, this.api, body, { says, times });
    const other = this.table.find(region);
    if (other === undefined) throw new UpstreamError(true, new Error('the region is not in the table'));
    if (this.table.stateOf(region) === 'down') throw new UpstreamError(true, new Error('the region is down'));
    return this.proxy.askRegion(passage, other, body, says, times);
  }
}

/** Writes a list with what it lacks. */
export function writeList(response: ServerResponse, answer: Extract<ListAnswer, { ok: true }>): void {
  const bytes = Buffer.from(JSON.stringify(answer.json));
  const { omitted, missing, regions } = answer;
  response.writeHead(answer.status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(bytes.length),
    ...(omitted.length === 0 ? {} : { [OMITTED_HEADER]: omitted.join(', ') }),
    ...(missing.length === 0 ? {} : { [MISSING_HEADER]: missing.join(', ') }),
    ...(regions === undefined ? {} : { [REGIONS_HEADER]: regions }),
  });
  response.end(bytes);
}

function formOf({ target }: Passage): ListForm {
  return isXroomPath(target) ? xroomList : restList;
}

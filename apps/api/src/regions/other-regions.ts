import { type Clock, DomainError, type DomainName, type RegionId } from '@parley/domain';
import { type AccountCopy, AdminError, type NewHome, type OtherRegions, type RowCounts } from '@parley/persistence';
import { MAX_BODY_BYTES } from '@parley/protocol-xroom';
import { INTERNAL_HEADER, type InternalAuth, type RegionBook, type RegionLetters } from '@parley/server-kit';
import { accountPath, movePath, type MoveLetter } from './letters';

const TIMEOUT_MS = 20_000;
/** An account is one row, and somebody may wait for all its regions to have it. */
const ACCOUNT_TIMEOUT_MS = 3_000;

/** Refusals by what was asked; anything else means that the region cannot be asked now. */
const REFUSALS: Readonly<Record<number, ConstructorParameters<typeof AdminError>[0]>> = {
  400: 'invalid',
  404: 'not_found',
  409: 'taken',
};

export interface OtherRegionsParts {
  readonly own: RegionId;
  readonly regions: Pick<RegionBook, 'refresh' | 'find'>;
  readonly auth: InternalAuth;
  readonly letters: RegionLetters;
  readonly clock: Clock;
}

/** Other regions over HTTP, by way of their front doors, which the directory names. */
export class HttpOtherRegions implements OtherRegions {
  constructor(private readonly parts: OtherRegionsParts) {}

  async newHome(id: RegionId): Promise<NewHome> {
    const send = await this.sender(id);
    const ask = (domain: DomainName, letter: MoveLetter) => send(movePath(domain), letter);
    const put: NewHome['put'] = async (domain, table, rows, asOf) => {
      const path = movePath(domain);
      const letter: MoveLetter = { act: 'put', table, rows, asOf: asOf.toISOString() };
      // As many at once as a request takes.
      if (rows.length > 1 && this.parts.letters.seal(path, letter, this.parts.clock.now()).length > MAX_BODY_BYTES) {
        const half = Math.ceil(rows.length / 2);
        await put(domain, table, rows.slice(0, half), asOf);
        return put(domain, table, rows.slice(half), asOf);
      }
      await send(path, letter);
    };
    return {
      put,
      conflicts: async (domain, ids) => (await ask(domain, { act: 'conflicts', ids })) as readonly string[],
      prepare: async (domain, row, asOf) => void (await ask(domain, { act: 'prepare', row, asOf: asOf.toISOString() })),
      counts: async (domain) => (await ask(domain, { act: 'counts' })) as RowCounts,
      activate: async (domain, epoch) => void (await ask(domain, { act: 'activate', epoch })),
      abandon: async (domain, asOf) => void (await ask(domain, { act: 'abandon', asOf: asOf.toISOString() })),
    };
  }

  async giveAccount(id: RegionId, account: AccountCopy): Promise<number> {
    const send = await this.sender(id, ACCOUNT_TIMEOUT_MS);
    return (await send(accountPath(account.authId), account)) as number;
  }

  /** Sends a letter and answers what came back, which only our own services say. */
  private async sender(
    id: RegionId,
    timeoutMs = TIMEOUT_MS,
  ): Promise<(path: string, letter: unknown) => Promise<unknown>> {
    // Operators may have entered or changed it a moment ago.
    await this.parts.regions.refresh();
    const region = this.parts.regions.find(id);
    if (region === undefined) throw new AdminError('not_found', `There is no region ${id}.`);
    if (region.state === 'down') throw unavailable(id, 'operators took it down');
    const { auth, letters, clock, own } = this.parts;
    return async (path, letter) => {
      const now = clock.now();
      const header = auth.sign({ method: 'POST', path, from: `api@${own}`, hops: 1 }, now);
      const response = await fetch(`${region.apiUrl}${path}`, {
        method: 'POST',
        headers: { [INTERNAL_HEADER]: header, 'content-type': 'application/octet-stream' },
        body: new Uint8Array(letters.seal(path, letter, now)),
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      }).catch((error: unknown) => {
        const isLate = error instanceof Error && error.name === 'TimeoutError';
        throw unavailable(id, isLate ? `nothing came for ${timeoutMs / 1_000} s` : 'it cannot be reached');
      });
      return this.answerOf(id, response);
    };
  }

  private async answerOf(id: RegionId, response: Response): Promise<unknown> {
    const text = await response.text().catch(() => '');
    if (response.ok && text === '') return undefined;
    const answer = parsed(text);
    if (response.ok && answer !== undefined) return (answer as { answer: unknown }).answer;
    const { code, detail } = (answer ?? {}) as { code?: unknown; detail?: unknown };
    const refusal = REFUSALS[response.status];
    // A front door that does not let us in says 404 as well, but not as our service does.
    if (refusal === undefined || typeof code !== 'string' || typeof detail !== 'string') {
      throw unavailable(id, `status ${response.status}`);
    }
    throw new AdminError(refusal, `${id}: ${detail}`);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function unavailable(id: RegionId, reason: string): DomainError {
  return new DomainError('unavailable', `The region ${id} does not answer now (${reason}).`);
}

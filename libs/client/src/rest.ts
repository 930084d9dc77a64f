import type { JoinAnswer, JoinRequest, RegionInfo } from '@parley/contracts';
import { isObject, ParleyError, textOf, type ErrorFacts } from './parley-error';

export type Fetch = typeof globalThis.fetch;

const TIMEOUT_MS = 15_000;

/** The calls of the REST API that visitors need. */
export class Rest {
  constructor(
    private readonly fetch: Fetch,
    private readonly timeoutMs = TIMEOUT_MS,
  ) {}

  /**
   * Asks for a ticket. A front door that may not see the call (strict residency) names the home region's, which is then
   * asked, once.
   * @param measured round trips in milliseconds, by region id, for the operators
   * @throws ParleyError with the code of the refusal
   */
  async join(
    frontDoor: string,
    request: JoinRequest,
    measured: ReadonlyMap<string, number> = new Map(),
  ): Promise<JoinAnswer> {
    // In the query: servers that do not know it ignore it there.
    const told = [...measured].map(([region, ms]) => `${region}:${Math.round(ms)}`).join(',');
    const path = told === '' ? '/join' : `/join?measured=${told}`;
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(request) };
    let answer = await this.ask(frontDoor + path, init);
    const home = answer.headers.get('x-home-host');
    if (answer.status === 421 && home !== null) {
      await answer.body?.cancel();
      answer = await this.ask(`${new URL(frontDoor).protocol}//${home}${path}`, init);
    }
    const body = await bodyOf(answer);
    if (!answer.ok) throw refusalOf(answer, body);
    if (!isJoinAnswer(body)) throw new ParleyError('unreadable', 'The answer to the join is not a join answer.');
    return body;
  }

  /** All regions, the best guess for this caller first. */
  async regions(frontDoor: string): Promise<readonly RegionInfo[]> {
    const answer = await this.ask(`${frontDoor}/v1/regions`, {});
    const body = await bodyOf(answer);
    if (!answer.ok) throw refusalOf(answer, body);
    if (!Array.isArray(body)) throw new ParleyError('unreadable', 'The list of regions is no list.');
    return body.filter(isRegion);
  }

  /** Resolves when the region answered. @throws ParleyError unreachable */
  async ping(url: string, timeoutMs: number): Promise<void> {
    const answer = await this.ask(url, {}, timeoutMs);
    if (answer.status !== 204) throw new ParleyError('unreachable', `${url} answered ${answer.status}.`);
  }

  private async ask(url: string, init: RequestInit, timeoutMs = this.timeoutMs): Promise<Response> {
    // Not as a method: browsers insist that fetch is called on the window.
    const { fetch } = this;
    try {
      return await fetch(url, { ...init, credentials: 'omit', signal: AbortSignal.timeout(timeoutMs) });
    } catch {
      throw new ParleyError('unreachable', `${new URL(url).origin} does not answer.`);
    }
  }
}

async function bodyOf(answer: Response): Promise<unknown> {
  return answer.json().catch(() => undefined);
}

/** The problem (RFC 9457) that was answered. */
function refusalOf(answer: Response, body: unknown): ParleyError {
  const problem = isObject(body) ? body : {};
  const seconds = Number(answer.headers.get('retry-after') ?? NaN);
  const region = answer.headers.get('x-home-region');
  const facts: ErrorFacts = {
    status: answer.status,
    ...(Number.isFinite(seconds) ? { retryAfterSeconds: seconds } : {}),
    ...(region === null ? {} : { region }),
  };
  const message = textOf(problem.detail) ?? `The call was answered ${answer.status}.`;
  return new ParleyError(textOf(problem.code) ?? 'unreadable', message, facts);
}

/** Newer servers may say more: only what is needed here is looked at. */
function isJoinAnswer(body: unknown): body is JoinAnswer {
  const needed = ['ticket', 'authUrl', 'signalingUrl', 'roomId'];
  return isObject(body) && needed.every((name) => typeof body[name] === 'string') && Array.isArray(body.iceServers);
}

function isRegion(row: unknown): row is RegionInfo {
  return isObject(row) && ['id', 'url', 'pingUrl'].every((name) => typeof row[name] === 'string');
}

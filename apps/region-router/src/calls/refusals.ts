import type { RegionId } from '@parley/domain';
import { MAX_BODY_BYTES } from '@parley/protocol-xroom';
import { refuse, type Refusal } from '../proxy/answer';
import type { Passage } from '../proxy/passage';
import type { BodyFailure } from '../proxy/read-body';
import type { RegionTable } from '../region-table';
import type { Decision } from '../routing/home';

const BODY_REFUSALS: Record<Exclude<BodyFailure, 'broken'>, Refusal> = {
  too_large: {
    status: 413,
    code: 'too_large',
    message: `The request is larger than ${MAX_BODY_BYTES} bytes.`,
    hangUp: true,
  },
  too_slow: { status: 408, code: 'too_slow', message: 'The request took too long to arrive.', hangUp: true },
};

/** What callers are told whose call goes nowhere. */
export class Refusals {
  constructor(private readonly table: RegionTable) {}

  /** The home region must be asked directly, or two regions disagree about it. Names it. */
  elsewhere(passage: Passage, { kind, region }: Extract<Decision, { kind: 'misdirected' | 'loop' }>): void {
    const url = this.table.find(region)?.url;
    const where = url === undefined ? region : `${region}; send the call to ${url}`;
    const headers = this.homeHeaders(region);
    const refusal =
      kind === 'misdirected'
        ? { status: 421, code: 'wrong_region', message: `The domain's data stays in its region: ${where}.` }
        : {
            status: 508,
            code: 'routing_loop',
            message: `Two regions disagree about the domain's home; this one says ${where}.`,
          };
    refuse(passage.response, passage.target, { ...refusal, headers, hangUp: true });
  }

  /** The caller would rather go to the home region than have the call passed on. */
  redirect(passage: Passage, region: RegionId, url: string): void {
    const headers = {
      ...this.homeHeaders(region),
      location: new URL(url).origin + passage.target,
      'preference-applied': 'region-redirect',
      vary: 'prefer',
    };
    const message = `The home region is ${region}; send the call to ${url}.`;
    refuse(passage.response, passage.target, {
      status: 307,
      code: 'home_region',
      message,
      headers,
      hangUp: !passage.request.complete,
    });
  }

  /** The home region does not answer, or is known not to. Nothing is done elsewhere in its place. */
  down(passage: Passage, region: RegionId): void {
    const refusal = downRefusal(region);
    const headers = { 'retry-after': '5', ...refusal.headers };
    refuse(passage.response, passage.target, { status: 503, ...refusal, headers, hangUp: true });
  }

  /** Nobody knows where the call belongs: the directory is down. */
  directoryDown(passage: Passage): void {
    const message = 'The home region cannot be found out now; try again.';
    const headers = { 'retry-after': '5' };
    refuse(passage.response, passage.target, { status: 503, code: 'directory_down', message, headers, hangUp: true });
  }

  body(passage: Passage, failure: BodyFailure): void {
    if (failure === 'broken') passage.response.destroy();
    else refuse(passage.response, passage.target, BODY_REFUSALS[failure]);
  }

  private homeHeaders(region: RegionId): Record<string, string> {
    const url = this.table.find(region)?.url;
    return { 'x-home-region': region, ...(url === undefined ? {} : { 'x-home-host': new URL(url).host }) };
  }
}

export const downRefusal = (region: RegionId) => ({
  code: 'home_region_down',
  message: `The home region ${region} does not answer; try again.`,
  headers: { 'x-home-region': region },
});

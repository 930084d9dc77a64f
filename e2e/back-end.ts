import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { RunFile } from './running-parley';
import { untilServed } from './standstills';

/** The JSON envelope every call of the xroom API is answered with. */
export interface Envelope<Data> {
  readonly isError: boolean;
  readonly errMsg: string | null;
  readonly data: Data;
}

/** What a ticket for a room looks like. */
export interface JoinAnswer {
  readonly ticket: string;
  readonly authUrl: string;
  readonly signalingUrl: string;
  readonly roomId: string;
  readonly peerType: number;
}

interface RestAnswer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/**
 * A customer's back end. Signs for itself, so that Parley's own signer is not what checks Parley. Asks again when it is
 * answered 503.
 */
export class BackEnd {
  constructor(private readonly run: RunFile) {}

  /** Calls a method; fails the test when the outcome is an error. */
  async call<Data>(collection: 'room' | 'booking' | 'webhook', method: string, data: object): Promise<Data> {
    const answer = await this.attempt<Data>(collection, method, data);
    if (answer.isError) throw new Error(`${collection}/${method} was refused: ${answer.errMsg}`);
    return answer.data;
  }

  /** Calls a method and answers the whole envelope. */
  async attempt<Data>(collection: string, method: string, data: object): Promise<Envelope<Data>> {
    const ask = async () => {
      const random = randomBytes(32).toString('hex');
      const response = await fetch(`${this.run.url}/api/${collection}`, {
        method: 'POST',
        headers: {
          'x-api-version': '2',
          'x-random': random,
          'x-auth-id': this.run.account.authId,
          'x-auth-key': createHmac('sha256', this.run.account.secret).update(random).digest('hex'),
        },
        body: JSON.stringify({ method, data }),
      });
      return { status: response.status, envelope: (await response.json()) as Envelope<Data> };
    };
    return (await untilServed(ask)).envelope;
  }

  /** A signed call of the REST API. `path` with its query. */
  rest(method: 'GET' | 'POST' | 'DELETE', path: string, data?: object): Promise<RestAnswer> {
    return untilServed(() => this.restOnce(method, path, data));
  }

  /** Asks for a ticket as a visitor's browser does. */
  join(
    room: string,
    options: { displayName?: string; hostKey?: string; password?: string } = {},
  ): Promise<{ status: number; body: JoinAnswer & { code?: string } }> {
    return untilServed(async () => {
      const response = await fetch(`${this.run.url}/join`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ room, ...options }),
      });
      return { status: response.status, body: (await response.json()) as JoinAnswer & { code?: string } };
    });
  }

  private async restOnce(method: string, path: string, data?: object): Promise<RestAnswer> {
    const body = data === undefined ? '' : JSON.stringify(data);
    const random = randomBytes(32).toString('hex');
    const timestamp = String(Math.floor(Date.now() / 1_000));
    const signed = [method, path, timestamp, random, createHash('sha256').update(body).digest('hex')].join('\n');
    const response = await fetch(this.run.url + path, {
      method,
      headers: {
        'x-api-version': '2',
        'x-random': random,
        'x-timestamp': timestamp,
        'x-auth-id': this.run.account.authId,
        'x-signature': createHmac('sha256', this.run.account.secret).update(signed).digest('hex'),
      },
      ...(body === '' ? {} : { body }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) };
  }
}

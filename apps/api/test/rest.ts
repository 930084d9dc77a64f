import { createHash, createHmac } from 'node:crypto';
import { problemSchema } from '@parley/contracts';
import { type Credentials, newRandom } from './running-api';

/** What proves a call: a bearer key, or the credentials that sign it. */
export type Proof = { readonly key: string } | Credentials;

export interface RestAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly json: unknown;
}

export type RestClient = (method: string, path: string, body?: unknown) => Promise<RestAnswer>;

/** Headers of a signed call of the REST API, made here and not with the code under test. */
export function restHeaders({ authId, secret }: Credentials, method: string, target: string, body: string) {
  const [random, timestamp] = [newRandom(), String(Math.floor(Date.now() / 1000))];
  const text = [method, target, timestamp, random, createHash('sha256').update(body).digest('hex')].join('\n');
  return {
    'x-api-version': '2',
    'x-auth-id': authId,
    'x-random': random,
    'x-timestamp': timestamp,
    'x-signature': createHmac('sha256', secret).update(text).digest('hex'),
  };
}

/** A caller of `/v1`: proves itself, sends, and answers what came back. */
export function restClient(url: string, proof: Proof): RestClient {
  return async (method, path, body) => {
    const target = `/v1/${path}`;
    const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
    const headers: Record<string, string> =
      'key' in proof ? { authorization: `Bearer ${proof.key}` } : restHeaders(proof, method, target, text);
    const response = await fetch(`${url}${target}`, { method, headers, ...(text === '' ? {} : { body: text }) });
    const answer = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      json: answer === '' ? undefined : (JSON.parse(answer) as unknown),
    };
  };
}

/** Expects a refusal and answers its status and code; prints what came instead. */
export async function refusalOf(answer: Promise<RestAnswer>): Promise<{ status: number; code: string }> {
  const { status, json } = await answer;
  const problem = problemSchema.safeParse(json);
  if (!problem.success) throw new Error(`expected a problem, got ${status} ${JSON.stringify(json)}`);
  expect(problem.data.status).toBe(status);
  return { status, code: problem.data.code };
}

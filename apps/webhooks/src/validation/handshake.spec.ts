import { createHmac, randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { type Posting, type PostingOutcome } from '../sender/webhook-sender';
import { shakeHands } from './handshake';

/** The example printed in the xroom manual. */
const manual = {
  signThis: 'c9002b50c6911daa18854e1ec25d5b47',
  secret: '54ed8ea9722c38499ea8dbbeca19762e',
  answer: 'b31ecd741c86f3abe01d93ebceb19b73cc2595bb5f5f3d4ba8328b3c37e6698b',
};

async function handshake(outcome: PostingOutcome, webhookKeys = [manual.secret], secrets: string[] = []) {
  const posted: Posting[] = [];
  const result = await shakeHands(
    {
      sender: { post: async (posting) => (posted.push(posting), outcome) },
      ids: { random: () => manual.signThis },
      clock: { now: () => new Date() },
      deadlineMs: 3_000,
      stop: new AbortController().signal,
    },
    { id: 'val_1', url: 'https://receiver.example/hook', policy: 'public', keys: { webhookKeys, secrets } },
  );
  return { result, posted };
}

const raw = (key: Buffer) => new Webhook(key, { format: 'raw' });
const answered = (body: string, status = 200): PostingOutcome => ({ kind: 'answered', status, body });

describe('the validation handshake', () => {
  test("passes with the manual's example, request and answer", async () => {
    const { result, posted } = await handshake(answered(manual.answer));
    expect(result).toEqual({ kind: 'passed', status: 200 });
    expect(posted.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
      { event: 'validation', signThis: manual.signThis },
    ]);
  });

  test.each([`${manual.answer}\n`, `"${manual.answer}"`, ` ${manual.answer.toUpperCase()} `])(
    'forgives the wrapping of simple receivers: %j',
    async (body) => expect((await handshake(answered(body))).result).toEqual({ kind: 'passed', status: 200 }),
  );

  test('counts an answer by any key of a rotation, and no other', async () => {
    const answer = answered(manual.answer);
    expect((await handshake(answer, ['new key', manual.secret])).result).toEqual({ kind: 'passed', status: 200 });
    expect((await handshake(answer, ['new key'])).result).toMatchObject({ kind: 'failed', status: 200 });
  });

  test("is signed with the webhook's own secrets, and with what its domain's receivers know from the start", async () => {
    const secret = `whsec_${randomBytes(32).toString('base64')}`;
    const { posted } = await handshake(answered(''), ['new key', manual.secret], [secret]);
    const [{ body, headers = {} }] = posted as [Posting];
    expect(headers['webhook-id']).toBe('val_1');
    const derived = (key: string) => createHmac('sha256', 'parley-webhook-body-v1').update(key).digest();
    const verifiers = [new Webhook(secret), ...['new key', manual.secret].map((key) => raw(derived(key)))];
    for (const verifier of verifiers) expect(verifier.verify(body, { ...headers })).toEqual(JSON.parse(body));
    const theKeyItself = raw(Buffer.from(manual.secret));
    expect(() => theKeyItself.verify(body, { ...headers })).toThrow('No matching signature');
  });

  test.each([
    ['another signature', answered('0'.repeat(64))],
    ['nothing', answered('')],
    ['the text itself', answered(manual.signThis)],
    ['the right text with a refusal', answered(manual.answer, 500)],
    ['a redirect', answered(manual.answer, 302)],
    ['silence', { kind: 'timeout' } as const],
    ['no connection', { kind: 'unreachable', reason: 'gone' } as const],
    ['a private address', { kind: 'refused', reason: 'private' } as const],
  ])('fails with %s', async (_what, outcome) => {
    expect((await handshake(outcome)).result).toMatchObject({ kind: 'failed' });
  });

  test('is nobody’s fault when the process ends', async () => {
    expect((await handshake({ kind: 'interrupted' })).result).toEqual({ kind: 'interrupted' });
  });
});

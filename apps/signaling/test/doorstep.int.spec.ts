import { createHmac } from 'node:crypto';
import type { RunningSignaling } from '../src/app';
import { INTERNAL_SECRET, PUBLIC_URL, TestRegion } from './gateway';

let region: TestRegion;
let one: RunningSignaling;
let two: RunningSignaling;

beforeAll(async () => {
  region = await TestRegion.start();
  one = await region.replica();
  two = await region.replica();
});
afterEach(() => region?.sendEverybodyHome());
afterAll(() => region?.close());

test('an internal hello that was read along the way opens nothing a second time, on no replica', async () => {
  const random = 'r'.repeat(64);
  const token = createHmac('sha256', INTERNAL_SECRET).update(random).digest('hex');
  const auth = { type: 'internal', params: { random, token, backend: PUBLIC_URL } };
  const frame = JSON.stringify({ id: 'h', type: 'hello', hello: { version: '1.0', auth } });
  const recorder = await region.connect(one, 'recorder');
  recorder.sendRaw(frame);
  await recorder.expect('hello');
  for (const replica of [one, two]) {
    const thief = await region.connect(replica, 'thief');
    thief.sendRaw(frame);
    await thief.expectError('invalid_token');
  }
});

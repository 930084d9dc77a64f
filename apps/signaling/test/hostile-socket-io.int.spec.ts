import { eventually } from '@parley/testing';
import type { RunningSignaling } from '../src/app';
import { DOMAIN, TestRegion } from './gateway';

/** One Engine.IO session over long polling, spoken by hand: what no well-behaved client would send. */
class RawPolling {
  private constructor(
    readonly sid: string,
    private readonly url: string,
  ) {}

  static async open(base: string): Promise<RawPolling> {
    const url = `${base}/socket.io/?EIO=4&transport=polling`;
    const { sid } = JSON.parse((await (await fetch(url)).text()).slice(1)) as { sid: string };
    return new RawPolling(sid, `${url}&sid=${sid}`);
  }

  async send(packets: string): Promise<number> {
    return (await fetch(this.url, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: packets })).status;
  }

  async poll(): Promise<string> {
    return (await fetch(this.url)).text();
  }
}

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

let region: TestRegion;
let gateway: RunningSignaling;
beforeAll(async () => {
  region = await TestRegion.start();
  gateway = await region.replica();
});
afterEach(() => region?.sendEverybodyHome());
afterAll(() => region?.close());

test('a payload nested deeper than the stack is no frame, and the gateway lives on', async () => {
  const mallory = await RawPolling.open(gateway.url);
  const errors: unknown[] = [];
  const notice = (error: unknown) => void errors.push(error);
  process.on('uncaughtException', notice);
  try {
    expect(await mallory.send('40')).toBe(200);
    expect(await mallory.poll()).toContain('welcome');
    expect(await mallory.send(`42["message",${nested(30_000)}]`)).toBe(200);
    expect(await mallory.poll()).toContain('invalid_format');
  } finally {
    process.off('uncaughtException', notice);
  }
  expect(errors).toEqual([]);
});

test('deep nesting from a WebSocket does not cost a Socket.IO receiver its connection', async () => {
  const room = 'hostile-nesting';
  const ada = await region.visitor(gateway, 'Ada', room, { transport: 'socket.io', userId: 'ada' });
  const mallory = await region.visitor(gateway, 'Mallory', room, { userId: 'mallory' });
  for (const client of [ada, mallory]) await client.join(`${DOMAIN}/${room}`);
  const frame = (data: string) => `{"type":"message","message":{"recipient":{"type":"room"},"data":${data}}}`;
  mallory.sendRaw(frame(nested(20_000)));
  await mallory.expectError('invalid_format');
  mallory.sendRaw(frame('"harmless"'));
  expect((await ada.expect('message')).message).toMatchObject({ data: 'harmless' });
});

test('coming and going on one connection leaves no listeners behind', async () => {
  // Nobody else comes or goes there, and nobody is thrown out by the clock.
  const quiet = await region.replica({ times: { helloMs: 60_000 } });
  const mallory = await RawPolling.open(quiet.url);
  // Engine.IO's own type of the registry says less than what it holds.
  const connections = quiet.io.engine as unknown as {
    clients: Record<string, { listenerCount(event: string): number }>;
  };
  const listeners = () => connections.clients[mallory.sid]?.listenerCount('flush');
  expect(await mallory.send('40')).toBe(200);
  await eventually(() => listeners() !== 0, 'the first connection to listen');
  const before = listeners();
  for (let turn = 0; turn < 20; turn += 1) {
    expect(await mallory.send('41')).toBe(200);
    expect(await mallory.send('40')).toBe(200);
  }
  await eventually(
    () => quiet.connections.size === 1 && listeners() === before,
    () => `one connection that listens; there are ${quiet.connections.size} and ${listeners()} listeners`,
  );
});

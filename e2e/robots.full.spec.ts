import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@parley/testing';
import { BackEnd } from './back-end';
import { startParley, type RunningParley } from './running-parley';

const ROOMS = 20;
const readme = readFileSync(join(__dirname, '..', 'README.md'), 'utf8');

/** The robot of the README, as its reader would run it. */
function robotOfReadme(env: Record<string, string>): { readonly process: ChildProcess; printed(): string } {
  const [, code = ''] = /```js\n(\/\/ npm install ws;[^]*?)```/.exec(readme) ?? [];
  expect(code).toContain('/tickets');
  const process_ = spawn(process.execPath, ['--input-type=module', '-e', code], {
    cwd: __dirname,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [process_.stdout, process_.stderr])
    stream.on('data', (chunk: Buffer) => (printed += String(chunk)));
  return { process: process_, printed: () => printed };
}

describe('robots, on the real processes', () => {
  let parley: RunningParley;
  let backEnd: BackEnd;
  const robots: ReturnType<typeof robotOfReadme>[] = [];

  beforeAll(async () => {
    parley = await startParley();
    backEnd = new BackEnd(parley.run);
  }, 120_000);

  afterAll(async () => {
    for (const { process: robot } of robots) robot.kill('SIGKILL');
    await parley?.stop();
  }, 60_000);

  test('those of the README are told everything, while the gateways are killed', async () => {
    const { url, domain } = parley.run;
    const made = await backEnd.rest('POST', '/v1/robots', { domain, name: 'from the README' });
    const { robotId, connectKey } = made.body as { robotId: number; connectKey: string };
    const { id } = await backEnd.call<{ id: number }>('webhook', 'add', { domain, type: 'robot', robotId });
    const env = { PARLEY: url, ROBOT_ID: String(robotId), CONNECT_KEY: connectKey };
    robots.push(robotOfReadme(env), robotOfReadme(env));
    const told = () => robots.map(({ printed }) => printed()).join('\n');
    const toldOf = (room: string) =>
      ['roomCreated', 'roomRemoved'].every((event) => told().match(blockOf(event, room)));

    const rooms = Array.from({ length: ROOMS }, (_unused, n) => `robots-${n}`);
    for (const [n, room] of rooms.entries()) {
      await backEnd.call('room', 'init', { id: `${domain}/${room}` });
      await backEnd.call('room', 'destroy', { id: `${domain}/${room}` });
      if (n === ROOMS / 2) for (const pid of (await parley.reread()).pids.signaling ?? []) process.kill(pid, 'SIGKILL');
    }
    await eventually(
      () => rooms.every(toldOf),
      () => `all to be told; not of ${rooms.filter((room) => !toldOf(room)).join(', ')}; robots say: ${told()}`,
      90_000,
    );
    const path = `/v1/webhooks/${id}/deliveries?state=delivered&limit=500`;
    const count = async () => ((await backEnd.rest('GET', path)).body.deliveries as unknown[]).length;
    await eventually(
      async () => (await count()) === 2 * ROOMS,
      async () => `${2 * ROOMS} acknowledged deliveries, not ${await count()}`,
      60_000,
    );
    // Without its key nobody comes back in.
    expect((await backEnd.rest('DELETE', `/v1/robots/${robotId}`)).status).toBe(204);
    const headers = { authorization: `Bearer ${connectKey}` };
    expect((await fetch(`${url}/v1/robots/${robotId}/tickets`, { method: 'POST', headers })).status).toBe(401);
  }, 240_000);
});

/** An event of a room as Node prints the object of the README's `console.log(told)`. */
function blockOf(event: string, room: string): RegExp {
  return new RegExp(`event: '${event}',\\s+domain: '[^']+',\\s+roomName: '${room}',`);
}

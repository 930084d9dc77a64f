import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { isDeepStrictEqual } from 'node:util';
import { ParleyClient } from '@parley/client';
import { eventually, temporaryFolder } from '@parley/testing';
import { BackEnd } from './back-end';
import { clientFrom, Crowd } from './crowd';
import { startParley, type RunningParley } from './running-parley';
import { Region } from './two-regions';

const ROOMS = 100;
const PER_ROOM = 10;
const SESSIONS = ROOMS * PER_ROOM;
const root = join(__dirname, '..');

/** What a gateway, or any service, says of itself. */
interface Told {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function ask(url: string): Promise<Told> {
  const answer = await fetch(url);
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

/** Waits until it says this, besides what else it says: one whose server stands still is not ready. */
async function untilTold(url: string, expected: Told): Promise<void> {
  let told: Told | undefined;
  await eventually(
    async () => (told = await ask(url)).status === expected.status && told.body.status === expected.body.status,
    () => `${url} to say ${JSON.stringify(expected)}; it says ${JSON.stringify(told)}`,
    60_000,
  );
}

const originOf = (socketUrl: string) => socketUrl.replace(/^ws/, 'http').replace(/\/spreed$/, '');

describe('1000 sessions, on the real processes', () => {
  let parley: RunningParley;
  let eu: Region;
  let us: Region;
  let backEnd: BackEnd;
  let crowd: Crowd;

  beforeAll(async () => {
    parley = await startParley('--regions', 'eu-1,us-1', '--gateways', '2');
    const [first, second] = parley.run.regions.map((region) => new Region(region, parley.run.adminKey, parley));
    if (first === undefined || second === undefined) throw new Error('two regions were started, and run.json has less');
    [eu, us] = [first, second];
    backEnd = new BackEnd(parley.run);
    const [, staying = ''] = eu.run.signaling;
    const frontDoor = socketUrlOf(eu);
    crowd = new Crowd({
      rooms: Array.from({ length: ROOMS }, (_, room) => `${parley.run.domain}/talk-${room}`),
      perRoom: PER_ROOM,
      door: eu.door,
      // What a speaker sent is lost with its own connection, so that is not what ends here.
      speakersAt: (url) => (url === frontDoor ? staying : url),
    });
    await crowd.enter();
  }, 600_000);

  afterAll(async () => {
    crowd?.leave();
    await parley?.stop();
  }, 60_000);

  const socketUrlOf = (region: Region) => `${region.door.replace('http', 'ws')}/spreed`;

  /** How many sockets each gateway of a region has; undefined of one that does not answer. */
  async function loads(region: Region): Promise<readonly (number | undefined)[]> {
    const told = region.run.signaling.map((url) => ask(`${originOf(url)}/health/ready`).catch(() => undefined));
    return (await Promise.all(told)).map((answer) => {
      const load = answer?.body.load;
      return typeof load === 'number' ? load : undefined;
    });
  }

  async function untilLoad(region: Region, sockets: number): Promise<void> {
    let last: readonly (number | undefined)[] = [];
    await eventually(
      async () => (last = await loads(region)).reduce<number>((sum, load) => sum + (load ?? NaN), 0) === sockets,
      () => `${sockets} sockets in ${region.id}; its gateways have ${last.join(' and ')}`,
      120_000,
    );
  }

  /** Who is in each room, as the back end sees it. */
  async function listed(): Promise<Record<string, string[]>> {
    type List = Record<string, Record<string, { clients: { id: string }[] }>>;
    const { domain } = parley.run;
    const rooms = (await backEnd.call<List>('room', 'list', { domain }))[domain] ?? {};
    return Object.fromEntries(
      // Not by the list's own `map`: what it makes is of another realm, and so strictly equal to nothing of this one.
      Object.entries(rooms).map(([path, { clients }]) => [path, Array.from(clients, ({ id }) => id).sort()]),
    );
  }

  /** The back end sees exactly our sessions, each in its room. */
  async function expectAllListed(): Promise<void> {
    const rooms = crowd.rooms.map(({ path, members }) => [path, members.map(({ id }) => id).sort()] as const);
    const expected = Object.fromEntries(rooms);
    expect(new Set(rooms.flatMap(([, ids]) => ids)).size).toBe(SESSIONS);
    // Those who have just left may still be on their way out.
    const settled = eventually(async () => isDeepStrictEqual(await listed(), expected), 'the list to agree', 60_000);
    await settled.catch(() => undefined);
    expect(await listed()).toEqual(expected);
  }

  /** Nobody had to begin anew, was thrown out or gave up. */
  function expectNobodyLost(): void {
    const lost = crowd.members.filter(({ states }) => states.some((state) => /renewed|closed/.test(state)));
    expect(lost.map(({ states }) => states)).toEqual([]);
  }

  test('a gateway that is ended hands all its sessions over: nothing is lost, and nothing comes twice', async () => {
    await untilLoad(eu, SESSIONS);
    crowd.talk();
    const deaf = () => crowd.rooms.flatMap(({ listeners }) => listeners).filter(({ heard }) => heard.length < 2).length;
    await eventually(
      () => deaf() === 0,
      () => `everybody to hear something; ${deaf()} do not`,
      120_000,
    );
    const [leaving = 0, staying = 0] = await loads(eu);
    // Whoever talks is on the one that stays, and so are some of the others.
    expect([leaving > 0, staying >= ROOMS, leaving + staying]).toEqual([true, true, SESSIONS]);
    const ids = crowd.members.map(({ id }) => id);
    const [pid = 0] = (await parley.reread()).pids.signaling ?? [];
    process.kill(pid, 'SIGTERM');
    await eventually(
      () => crowd.told('connected: resumed') === leaving,
      () => `${leaving} sessions to resume; ${crowd.told('connected: resumed')} have`,
      120_000,
    );
    expect(crowd.told('interrupted')).toBe(leaving);
    expect(crowd.members.map(({ id }) => id)).toEqual(ids);
    await crowd.hush();
    expectNobodyLost();
    // Its successor is another replica: nothing of the former one is left.
    await eventually(
      async () => (await parley.reread()).pids.signaling?.[0] !== pid,
      'another process in its place',
      120_000,
    );
    await untilLoad(eu, SESSIONS);
    await expectAllListed();
  }, 600_000);

  test('a region that drains is chosen for nothing new, and serves what it has', async () => {
    crowd.talk();
    await eu.admin('PATCH', `regions/${eu.id}`, { state: 'draining' });
    const listedAt = async ({ door }: Region) => {
      const regions = (await (await fetch(`${door}/v1/regions`)).json()) as Record<string, unknown>[];
      return regions.map(({ id, status, state }) => [id, status, state]);
    };
    const order = [
      [us.id, 'up', 'serving'],
      [eu.id, 'up', 'draining'],
    ];
    for (const region of [eu, us]) {
      await eventually(
        async () => JSON.stringify(await listedAt(region)) === JSON.stringify(order),
        async () => `${region.id} to list ${JSON.stringify(order)}; it says ${JSON.stringify(await listedAt(region))}`,
        120_000,
      );
    }
    // Global load balancers withdraw it; nothing in it is ended or taken from behind its front door.
    await untilTold(`${eu.door}/health/region`, { status: 503, body: { status: 'draining' } });
    await untilTold(`${us.door}/health/region`, { status: 200, body: { status: 'up' } });
    const services = [eu.door, eu.run.adminUrl, ...eu.run.signaling.map(originOf)];
    for (const url of services) {
      expect([url, (await ask(`${url}/health/live`)).status]).toEqual([url, 200]);
      await untilTold(`${url}/health/ready`, { status: 200, body: { status: 'ready' } });
    }

    // Who may choose is led elsewhere, if that answers within 2 s.
    const chosen = async () => (await new ParleyClient({ url: eu.door }).region())?.region.id;
    await eventually(async () => (await chosen()) === us.id, `${us.id} to be chosen`, 60_000);
    await eu.admin('POST', 'accounts/demo/regions', { region: us.id });
    const made = { name: 'made-while-draining.localhost', account: 'demo' };
    await expect(eu.admin('POST', 'domains', made)).rejects.toThrow('409');
    await us.admin('POST', 'domains', made);
    const plan = await us.admin('POST', `domains/${made.name}/move/plan`, { to: eu.id });
    expect(plan.obstacles).toEqual([`${eu.id} is draining and takes nothing new.`]);
    const elsewhere = await clientFrom('127.0.8.1', eu.door).join({ room: `${made.name}/lobby` });
    expect(elsewhere.signalingUrl).toBe(socketUrlOf(us));
    elsewhere.leave();

    // Its own domain is at home there: newcomers enter its rooms, from everywhere, also rooms that were not open.
    const heard: unknown[] = [];
    const [talk] = crowd.rooms;
    const newcomer = await clientFrom('127.0.8.2', us.door).join(
      { room: talk?.path ?? '' },
      { message: ({ data }) => void heard.push(data) },
    );
    const opener = await clientFrom('127.0.8.3', us.door).join({ room: `${parley.run.domain}/opened-while-draining` });
    expect([newcomer.signalingUrl, opener.signalingUrl]).toEqual([socketUrlOf(eu), socketUrlOf(eu)]);
    await eventually(() => heard.length > 0, 'the newcomer to hear what is said', 60_000);
    newcomer.leave();
    opener.leave();
    await backEnd.call('room', 'destroy', { id: `${parley.run.domain}/opened-while-draining`, forceKick: true });

    await crowd.hush();
    expectNobodyLost();
    await untilLoad(eu, SESSIONS);
    await expectAllListed();
  }, 600_000);

  test('its domain is moved to another region: everybody is told where to, and is there with nothing missed', async () => {
    crowd.talk();
    const before = crowd.members.map(({ id }) => id);
    expect(await move('--to', us.id, '--close-rooms')).toContain(`${parley.run.domain} is at home in ${us.id}.`);
    await eventually(
      () => crowd.told('connected: renewed') === SESSIONS,
      () => `${SESSIONS} sessions to follow; ${crowd.told('connected: renewed')} have; ${crowd.ends().join(', ')}`,
      300_000,
    );
    const details = { region: us.id, url: socketUrlOf(us) };
    for (const { path, members } of crowd.rooms) {
      for (const { signs, session } of members) {
        expect(signs).toEqual([{ roomid: path, details }]);
        expect(session?.signalingUrl).toBe(details.url);
      }
    }
    const direct = crowd.members.filter(
      (member) => member.count('interrupted: moved') === 1 && member.count('connected: renewed') === 1,
    );
    expect(direct).toHaveLength(SESSIONS);
    expect(crowd.members.filter(({ id }) => before.includes(id))).toEqual([]);
    // All of a room have heard the same until it closed, so its speaker knows where to go on.
    for (const room of crowd.rooms) room.goOn();
    const reached = crowd.rooms.map(({ said }) => said);
    await eventually(
      () => crowd.rooms.every(({ said }, index) => said >= (reached[index] ?? 0) + 2),
      'something to be said in every room',
      120_000,
    );
    await crowd.hush();
    await expectAllListed();
    await untilLoad(us, SESSIONS);
    // Nothing is left in the region that was emptied.
    await untilLoad(eu, 0);
    expect(await eu.admin('GET', 'domains')).toEqual({ domains: [] });
  }, 600_000);

  /** `npm run domains -- move`, asked of eu-1. Answers what it printed. */
  async function move(...options: string[]): Promise<string> {
    const folder = temporaryFolder('parley-key');
    try {
      const keyFile = join(folder.path, 'key');
      await writeFile(keyFile, parley.run.adminKey, { mode: 0o600 });
      const where = ['--admin-url', eu.run.adminUrl, '--admin-key-file', keyFile];
      const args = [join('tools', 'domains.mjs'), 'move', parley.run.domain, ...options, ...where];
      const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
      const [printed, complaints] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
      expect({ code: child.exitCode, complaints }).toEqual({ code: 0, complaints: '' });
      return printed;
    } finally {
      folder.remove();
    }
  }
});

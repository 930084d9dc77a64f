import { eventually, type Envelope, type Receiver, type ScriptedSignalingClient } from '@parley/testing';
import { toldOf, untilProven } from './receiving';

/** What a method of the xroom API is driven with: a domain whose home region is not the one that is asked. */
export interface Stage {
  readonly domain: string;
  /** Stands in the numeric ids that its home region issues. */
  readonly regionNumber: number;
  /** Asks at the wrong region's front door; answers `data` of what the home region did. */
  readonly elsewhere: (call: string, data: object) => Promise<unknown>;
  /** Asks at the home region's own front door. */
  readonly atHome: (call: string, data: object) => Promise<unknown>;
  /** Lets somebody into a room, which has to be open; they asked for their ticket at the wrong region's front door. */
  readonly enter: (roomName: string) => Promise<ScriptedSignalingClient>;
  /** A robot of the domain. */
  readonly robotId: number;
  /** Proves itself with the domain's webhook key. */
  readonly receiver: Receiver;
  /** A room name that was not used before. */
  readonly fresh: () => string;
}

export type RoomList = Record<string, Record<string, { clients: { id: string; type: number }[] }>>;

const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();

/** Whether somebody is told that they are in no room any more. */
const isOut = (envelope: Envelope) => (envelope.room as { roomid?: string } | undefined)?.roomid === '';

interface Added {
  readonly id: number;
  readonly validated: boolean;
}

/** What who adds a webhook is answered; one that has a URL may prove itself later. */
const ADDED = { id: expect.any(Number) as unknown, validated: expect.any(Boolean) as unknown };

async function openRoom({ atHome, domain, fresh }: Stage): Promise<{ name: string; id: string }> {
  const name = fresh();
  const id = `${domain}/${name}`;
  expect(await atHome('room/init', { id })).toEqual({ id, type: 1, isLocked: false });
  return { name, id };
}

async function book({ atHome, domain, fresh }: Stage): Promise<{ domain: string; roomName: string }> {
  const booked = { domain, roomName: fresh() };
  expect(await atHome('booking/add', { ...booked, validUntil: inAnHour() })).toBeNull();
  return booked;
}

async function hook({ atHome, domain, fresh, receiver }: Stage) {
  const roomName = fresh();
  const url = `${receiver.url}/${roomName}`;
  const added = await atHome('webhook/add', { domain, type: 'url', url, roomName });
  expect(added).toEqual(ADDED);
  await untilProven(added as Added, (id) => atHome('webhook/validate', { id }));
  return { id: (added as Added).id, domain, roomName, url };
}

/** Every method of the manual: what is asked elsewhere, what must come back, and what must be so at home afterwards. */
export const METHODS: Readonly<Record<string, (stage: Stage) => Promise<void>>> = {
  'room/init': async ({ elsewhere, atHome, domain, fresh }) => {
    const id = `${domain}/${fresh()}`;
    const hostKey: unknown = expect.stringMatching(/^[0-9a-f]{16,}$/);
    const opened = { id, type: 2, isLocked: true, key: 'pässwörd', hostKey };
    const asked = { id, type: 2, lock: true, key: 'pässwörd', addHostKey: true };
    const answer = await elsewhere('room/init', asked);
    expect(answer).toEqual(opened);
    expect(await atHome('room/init', { id })).toEqual(answer);
  },
  'room/destroy': async (stage) => {
    const { name, id } = await openRoom(stage);
    const guest = await stage.enter(name);
    expect(await stage.elsewhere('room/destroy', { id })).toBe(false);
    expect(await stage.elsewhere('room/destroy', { id, forceKick: true })).toBe(true);
    await guest.expect(isOut, 30_000);
    const list = (await stage.atHome('room/list', { domain: stage.domain })) as RoomList;
    expect(list[stage.domain]).not.toHaveProperty([id]);
  },
  'room/kickOut': async (stage) => {
    const { name, id } = await openRoom(stage);
    const [ann, ben] = [await stage.enter(name), await stage.enter(name)];
    expect(await stage.elsewhere('room/kickOut', { id, peerId: ann.sessionId })).toBeNull();
    await ann.expectClosed(30_000);
    const list = (await stage.atHome('room/list', { domain: stage.domain })) as RoomList;
    expect(list[stage.domain]?.[id]?.clients.map((client) => client.id)).toEqual([ben.sessionId]);
    expect(await stage.elsewhere('room/kickOut', { id, peerId: 'all' })).toBeNull();
    await ben.expectClosed(30_000);
  },
  'room/setLock': async (stage) => {
    const { id } = await openRoom(stage);
    for (const lock of [true, false]) {
      expect(await stage.elsewhere('room/setLock', { id, lock })).toBeNull();
      expect(await stage.atHome('room/init', { id })).toEqual({ id, type: 1, isLocked: lock });
    }
  },
  'room/setPassword': async (stage) => {
    const { id } = await openRoom(stage);
    expect(await stage.elsewhere('room/setPassword', { id, password: 'sésame' })).toBeNull();
    expect(await stage.atHome('room/init', { id })).toEqual({ id, type: 1, isLocked: false, key: 'sésame' });
    expect(await stage.elsewhere('room/setPassword', { id, password: null })).toBeNull();
    expect(await stage.atHome('room/init', { id })).toEqual({ id, type: 1, isLocked: false });
  },
  'room/list': async (stage) => {
    const { domain } = stage;
    const { name, id } = await openRoom(stage);
    const [host, guest] = [await stage.enter(name), await stage.enter(name)];
    const list = (await stage.elsewhere('room/list', { domain })) as RoomList;
    expect(Object.keys(list)).toEqual([domain]);
    expect(list[domain]?.[id]).toEqual({
      options: { type: 1, isLocked: false, password: null },
      clients: [
        { id: host.sessionId, type: 1 },
        { id: guest.sessionId, type: 2 },
      ],
    });
    expect(await stage.atHome('room/list', { domain })).toEqual(list);
  },
  'booking/add': async ({ elsewhere, atHome, domain, fresh }) => {
    const booked = { domain, roomName: fresh() };
    const validUntil = inAnHour();
    expect(await elsewhere('booking/add', { ...booked, validUntil })).toBeNull();
    expect(await atHome('booking/get', booked)).toEqual({ ...booked, validUntil });
  },
  'booking/remove': async (stage) => {
    const booked = await book(stage);
    expect(await stage.elsewhere('booking/remove', booked)).toBeNull();
    expect(await stage.atHome('booking/get', booked)).toBeNull();
  },
  'booking/update': async (stage) => {
    const booked = await book(stage);
    const later = new Date(Date.now() + 7_200_000);
    // "In JS format" may be the number as well.
    expect(await stage.elsewhere('booking/update', { ...booked, validUntil: later.getTime() })).toBeNull();
    expect(await stage.atHome('booking/get', booked)).toEqual({ ...booked, validUntil: later.toISOString() });
  },
  'booking/list': async (stage) => {
    const booked = await book(stage);
    const list = await stage.elsewhere('booking/list', { domain: stage.domain });
    expect(list).toContainEqual({ ...booked, validUntil: expect.any(String) as unknown });
    expect(await stage.atHome('booking/list', { domain: stage.domain })).toEqual(list);
  },
  'booking/get': async (stage) => {
    const booked = await book(stage);
    const found = await stage.elsewhere('booking/get', booked);
    expect(found).toEqual({ ...booked, validUntil: expect.any(String) as unknown });
    expect(await stage.atHome('booking/get', booked)).toEqual(found);
    expect(await stage.elsewhere('booking/get', { ...booked, roomName: stage.fresh() })).toBeNull();
  },
  'webhook/add': async (stage) => {
    const { elsewhere, atHome, domain, receiver, robotId, regionNumber } = stage;
    const roomName = stage.fresh();
    const url = `${receiver.url}/${roomName}`;
    const added = (await elsewhere('webhook/add', { domain, type: 'url', url, roomName })) as Added;
    expect(added).toEqual(ADDED);
    await untilProven(added, (id) => elsewhere('webhook/validate', { id }));
    expect(added.id % 1_024).toBe(regionNumber);
    const ofRobot = await elsewhere('webhook/add', { domain, type: 'robot', robotId, roomName });
    expect(ofRobot).toEqual({ id: expect.any(Number) as unknown, validated: true });
    const filter = { domain, token: roomName };
    expect(await atHome('webhook/list', filter)).toEqual([
      { id: added.id, domain, roomName, url },
      { ...(ofRobot as object), domain, roomName, robotId, validated: undefined },
    ]);
    await elsewhere('room/init', { id: `${domain}/${roomName}` });
    const told = await eventually(() => toldOf(receiver, roomName)[0], `roomCreated of ${roomName}`, 45_000);
    expect(told).toMatchObject({ id: added.id, event: 'roomCreated', domain, roomName });
  },
  'webhook/remove': async (stage) => {
    const { id, domain, roomName } = await hook(stage);
    expect(await stage.elsewhere('webhook/remove', { id })).toBeNull();
    expect(await stage.atHome('webhook/list', { domain, token: roomName })).toEqual([]);
  },
  'webhook/list': async (stage) => {
    const made = await hook(stage);
    const filter = { domain: stage.domain, token: made.roomName };
    expect(await stage.elsewhere('webhook/list', { ...filter, validated: true })).toEqual([made]);
    expect(await stage.elsewhere('webhook/list', { ...filter, validated: false })).toEqual([]);
  },
  'webhook/validate': async (stage) => {
    const { id, url } = await hook(stage);
    const handshakes = () => stage.receiver.requests.filter((request) => url.endsWith(request.url)).length;
    const before = handshakes();
    expect(before).toBeGreaterThan(0);
    await untilProven({ id, validated: false }, (hookId) => stage.elsewhere('webhook/validate', { id: hookId }));
    expect(handshakes()).toBeGreaterThan(before);
  },
};

import { DomainError } from '@parley/domain';
import { eventually, type Envelope, type ScriptedSignalingClient } from '@parley/testing';
import type { RunningSignaling } from '../src/app';
import { event, expectEvent, foreignIdOf, isRoom } from './backend-poster';
import { FederationHouse, idOf, joinOf } from './federation-house';
import type { TcpGate } from './tcp-gate';

let house: FederationHouse;
const behindGates: { replica: RunningSignaling; toRedis: TcpGate; connections: number }[] = [];
beforeAll(async () => {
  house = await FederationHouse.start();
});
afterEach(async () => {
  house.gate.flow();
  const gates = behindGates.splice(0);
  // A replica that goes away in the middle of coming back is another story.
  for (const { replica, toRedis, connections } of gates) {
    toRedis.unlock();
    await eventually(() => toRedis.openAfter(0) >= connections, 'all connections to Redis', 15_000);
    await eventually(() => replica.live.healthy(), 'Redis to answer', 15_000);
  }
  await house.sendEverybodyHome();
  for (const { toRedis } of gates) await toRedis.close();
});
afterAll(() => house?.close());

const isMessage = (envelope: Envelope) => envelope.type === 'message';
const dataOf = (client: ScriptedSignalingClient) =>
  client.received.filter(isMessage).map(({ message }) => (message as { data: unknown }).data);
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** The host counts; everything it says was handed to the connection between the clusters. */
async function count(host: ScriptedSignalingClient, remoteId: string, from: number, to: number): Promise<void> {
  for (const n of numbers(from, to)) host.message({ type: 'session', sessionid: remoteId }, n);
  await host.fence();
}

async function hears(client: ScriptedSignalingClient, ...last: number[]): Promise<void> {
  await eventually(
    () => last.every((n) => dataOf(client).includes(n)),
    () => `${last.join()}, not only ${JSON.stringify(client.received)}`,
    15_000,
  );
}

async function guestBehindGate(features: string[] = []) {
  const { replica, toRedis } = await house.nearReplicaBehindGate();
  behindGates.push({ replica, toRedis, connections: toRedis.openAfter(0) });
  return { toRedis, ...(await house.pair({ replica, features })) };
}

async function resumed(guest: ScriptedSignalingClient, extra = {}): Promise<ScriptedSignalingClient> {
  const again = await house.near.region.connect(house.near.gateway, 'again');
  await again.helloResume(guest.resumeId, extra);
  return again;
}

test('a replica dies with frames it had read: the one that goes on gets them again, in order', async () => {
  const { guest, host, remoteId, toRedis } = await guestBehindGate();
  await count(host, remoteId, 1, 3);
  await hears(guest, 3);
  // What it reads from now on goes nowhere, and it never hears of the rest of the world again.
  toRedis.lock();
  await count(host, remoteId, 4, 6);
  guest.drop();
  await guest.expectClosed();
  await count(host, remoteId, 7, 8);
  const again = await resumed(guest);
  await hears(again, 8);
  // The last second before may come twice, as everything does after the death of a replica.
  expect([...new Set([...dataOf(guest), ...dataOf(again)])]).toEqual(numbers(1, 8));
  expect(dataOf(again).slice(-5)).toEqual(numbers(4, 8));
  again.message({ type: 'room' }, 'back');
  expect((await host.expect(isMessage)).message).toMatchObject({ data: 'back', sender: { sessionid: remoteId } });
  // Should the dead one turn out to live, it has nothing to add.
  toRedis.unlock();
  await count(host, remoteId, 9, 9);
  await hears(again, 9);
  expect(dataOf(again).slice(-6)).toEqual(numbers(4, 9));
});

test('a replica goes away in order: nothing is lost and nothing comes twice', async () => {
  const replica = await house.nearReplica();
  const { guest, host, remoteId } = await house.pair({ replica });
  await count(host, remoteId, 1, 3);
  await hears(guest, 3);
  await Promise.all([replica.close(), count(host, remoteId, 4, 20)]);
  await guest.expectClosed();
  const again = await resumed(guest);
  await hears(again, 20);
  await again.fence();
  expect([...dataOf(guest), ...dataOf(again)]).toEqual(numbers(1, 20));
});

test('who waits on another replica than its connection gets each frame once', async () => {
  const { guest, host, remoteId } = await house.pair({ replica: await house.nearReplica() });
  await count(host, remoteId, 1, 3);
  await hears(guest, 3);
  guest.drop();
  await guest.expectClosed();
  await count(host, remoteId, 4, 6);
  const again = await resumed(guest);
  await count(host, remoteId, 7, 8);
  await hears(again, 8);
  expect(dataOf(again)).toEqual(numbers(4, 8));
});

test('Redis is away for five seconds: everything comes, in order', async () => {
  const { guest, host, remoteId, toRedis } = await guestBehindGate();
  await count(host, remoteId, 1, 3);
  await hears(guest, 3);
  toRedis.lock();
  const end = Date.now() + 5_000;
  let last = 3;
  await eventually(
    async () => {
      last += 1;
      await count(host, remoteId, last, last);
      return Date.now() > end;
    },
    'five seconds',
    20_000,
  );
  toRedis.unlock();
  await hears(guest, last);
  expect(dataOf(guest)).toEqual(numbers(1, last));
  await guest.expectNothing(event('room', 'federation_interrupted'));
});

test('the way between the clusters swallows frames before it breaks: they come once it is mended, once', async () => {
  const { guest, host, remoteId } = await house.pair();
  await count(host, remoteId, 1, 3);
  await hears(guest, 3);
  house.gate.stall();
  await count(host, remoteId, 4, 6);
  house.gate.lock();
  await guest.expect(event('room', 'federation_interrupted'));
  house.gate.flow();
  house.gate.unlock();
  await guest.expect(event('room', 'federation_resumed'));
  await count(host, remoteId, 7, 7);
  await hears(guest, 7);
  expect(dataOf(guest)).toEqual(numbers(1, 7));
});

test('what cannot wait any more while the way is broken is refused by its id', async () => {
  const { guest, host } = await house.pair();
  house.gate.lock();
  await guest.expect(event('room', 'federation_interrupted'));
  const send = (n: number) =>
    guest.send({ id: `n${n}`, type: 'message', message: { recipient: { type: 'room' }, data: n } });
  for (const n of numbers(1, 258)) send(n);
  for (const id of ['n257', 'n258']) {
    expect(await guest.expect((envelope) => envelope.id === id)).toMatchObject({ error: { code: 'federation_error' } });
  }
  house.gate.unlock();
  await hears(host, 256);
  expect(dataOf(host)).toEqual(numbers(1, 256));
});

test('a guest that cannot leave its room of before is in none of the other cluster, and may try again', async () => {
  const room = house.newRoom();
  const host = await house.far.talk.member(house.far.two, 'bob', room.remote, { name: 'host' });
  const { sessions } = house.near.gateway.live;
  const open = sessions.open.bind(sessions);
  const opened = jest.spyOn(sessions, 'open').mockImplementationOnce(async (...asked) => {
    const owned = await open(...asked);
    jest.spyOn(owned, 'leave').mockRejectedValueOnce(new DomainError('unavailable', 'The store does not answer.'));
    return owned;
  });
  const guest = await house.near.talk.member(house.near.gateway, 'ada', house.newRoom().local, { name: 'guest' });
  opened.mockRestore();
  const federation = await house.federation('ada', room.remote);
  guest.send({
    id: 'in vain',
    type: 'room',
    room: { roomid: room.local, sessionid: foreignIdOf(guest), federation },
  });
  await guest.expect(({ id, type }) => id === 'in vain' && type === 'error');
  await guest.expect((envelope) => isRoom(envelope) && (envelope.room as { roomid: string }).roomid === '');
  const [there] = joinOf(await host.expect(event('room', 'join')));
  expect(await expectEvent(host, 'room', 'leave')).toEqual([idOf(there)]);
  await house.enter(guest, 'ada', room);
  await host.expect(event('room', 'join'));
  guest.message({ type: 'room' }, 'in');
  expect((await host.expect(isMessage)).message).toMatchObject({ data: 'in' });
});

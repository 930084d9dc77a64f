import type { JsonObject } from '@parley/domain';
import { eventually } from '@parley/testing';
import { eventOf, foreignIdOf, isRoom, joinedIn, says } from './backend-poster';
import { inEveryLayout, onTwoReplicas } from './layouts';
import { TalkHouse } from './talk-house';

// The second half of traps.int.spec.ts: what needs short times or backends of its own.
const house = new TalkHouse({ backendTimes: { pingMs: 300 } });
const { newToken, newUser } = house;

inEveryLayout(house, () => {
  test('12: every message and order names its sender; who says bye is closed for good', async () => {
    const token = newToken();
    const [ada, bob] = await house.pair(token);
    const guest = await house.talk.guest(house.two);
    await house.talk.enter(guest, token);
    const sender = (type: string) => ({ sender: { type, sessionid: guest.sessionId } });
    guest.message({ type: 'session', sessionid: ada.sessionId }, 1);
    expect((await ada.expect('message')).message).toEqual({ ...sender('session'), data: 1 });
    guest.send({ type: 'control', control: { recipient: { type: 'room' }, data: 2 } });
    for (const client of [ada, bob])
      expect((await client.expect('control')).control).toEqual({ ...sender('room'), data: 2 });
    await ada.bye();
    await ada.expectClosedForGood();
  });

  test('13: rooms are pinged, as many entries at once as the backend takes', async () => {
    const token = newToken();
    const batching = await house.newCloud();
    batching.cloud.capabilities.signaling['session-ping-limit'] = 2;
    const all = [...(await house.pair(token, batching)), await batching.member(house.one, newUser('eve'), newToken())];
    const pinged = () => batching.cloud.requests.flatMap(({ ping }) => (ping ? [ping] : []));
    const times = (id: string) => pinged().filter(({ entries }) => entries.some(({ sessionid }) => sessionid === id));
    await eventually(
      () => all.every((client) => times(foreignIdOf(client)).length >= 2),
      () => `two pings of everybody, not only ${JSON.stringify(pinged())}`,
    );
    for (const { entries } of pinged()) expect(entries.length).toBeLessThanOrEqual(2);
    expect(pinged().some(({ roomid, entries }) => roomid === '' && entries.length === 2)).toBe(true);
    // Who was in a room that was deleted is not pinged any more.
    await batching.post(house.two, token, 'delete', { userids: [] });
    const [ada, , eve] = all;
    if (ada === undefined || eve === undefined) throw new Error('nobody');
    const gone = times(foreignIdOf(ada)).length;
    const more = times(foreignIdOf(eve)).length + 4;
    await eventually(
      () => times(foreignIdOf(eve)).length >= more,
      () => `more pings: ${JSON.stringify(pinged().slice(-4))}`,
    );
    // One may have been on its way.
    expect(times(foreignIdOf(ada)).length).toBeLessThanOrEqual(gone + 1);
  });

  test('14: another backend reaches nobody and nothing, whatever ids it knows', async () => {
    const token = newToken();
    const [ada, bob] = await house.pair(token);
    const [mallory, recorder] = [
      await house.stranger.member(house.two, newUser('mallory'), token),
      await house.stranger.service(house.one, 'recorder'),
    ];
    await recorder.join(token);
    for (const foe of [mallory, recorder]) {
      for (const type of ['message', 'control'])
        for (const recipient of [{ type: 'session', sessionid: ada.sessionId }, { type: 'room' }, { type: 'call' }])
          foe.send({ type, [type]: { recipient, data: 'psst' } });
      foe.send({ type: 'transient', transient: { type: 'set', key: 'psst', value: 'psst' } });
      await foe.fence();
    }
    const ids = [foreignIdOf(ada), foreignIdOf(bob)];
    const changed = ids.map((sessionId) => ({ sessionId, inCall: 7, permissions: [] }));
    const requests: [string, JsonObject][] = [
      ['disinvite', { sessionids: ids, userids: [] }],
      ['participants', { changed, users: changed }],
      ['incall', { incall: 7, changed, users: changed }],
      ['incall', { incall: 7, all: true }],
      ['switchto', { roomid: 'psst', sessions: ids }],
      ['message', { data: 'psst' }],
      ['update', { userids: [], properties: { name: 'psst' } }],
      ['delete', { userids: [] }],
    ];
    for (const [type, body] of requests)
      expect((await house.stranger.post(house.one, token, type, body)).status).toBe(200);
    // Neither does it take over a session by its Nextcloud name.
    const thief = await house.stranger.user(house.two, newUser('thief'));
    await thief.join(newToken(), { sessionid: foreignIdOf(ada) });
    ada.send({ type: 'control', control: { recipient: { type: 'room' }, data: 'marker' } });
    await bob.expect(says('marker'));
    bob.message({ type: 'room' }, 'marker');
    await ada.expect(says('marker'));
    const mine = [ada.sessionId, bob.sessionId];
    for (const client of [ada, bob]) {
      expect(JSON.stringify(client.received)).not.toContain('psst');
      expect(client.received.filter(({ type }) => type === 'bye' || type === 'transient')).toEqual([]);
      expect(client.received.filter((envelope) => eventOf(envelope)?.target === 'participants')).toEqual([]);
      expect(client.received.filter(isRoom)).toEqual([]);
      for (const id of joinedIn(client)) expect(mine).toContain(id);
    }
    for (const foe of [mallory, recorder, thief])
      for (const id of mine) expect(JSON.stringify(foe.received)).not.toContain(`"${id}"`);
  });

  test('15: guests must enter a room in time, and are called what the room says', async () => {
    const token = `named-${newToken()}`;
    const bob = await house.talk.member(house.two, newUser('bob'), token);
    const guest = await house.talk.guest(house.one);
    await house.talk.enter(guest, token);
    const joined = (await bob.expectJoined(guest.sessionId)).event as { join: object[] };
    expect(joined.join).toMatchObject([{ userid: `guest-of-${token}` }]);
    guest.message({ type: 'session', sessionid: bob.sessionId }, 'hi');
    expect((await bob.expect('message')).message).toMatchObject({ sender: { userid: `guest-of-${token}` } });
    // On a replica of its own: whoever else comes on a busy machine has time.
    const hasty = await house.region.replica({ times: { guestJoinMs: 500 } });
    const idle = await house.talk.guest(hasty);
    expect((await idle.expect('bye')).bye).toEqual({ reason: 'room_join_timeout' });
    await idle.expectClosedForGood();
    await house.region.retire(hasty);
    await guest.fence();
  });
});

onTwoReplicas(house, () => {
  test('12: no connection is closed with 1001, least of all by a replica that goes away', async () => {
    const third = await house.anotherReplica();
    const [named, greeting] = [
      await house.talk.member(third, newUser('eve'), newToken()),
      await house.region.connect(third, 'new'),
    ];
    await third.close();
    for (const client of [named, greeting]) expect(await client.expectClosed()).toMatch(/^close 1012/);
  });

  test.each(['socket.io', 'socket.io-polling'] as const)(
    '12: a client over %s comes back by itself when a replica goes away, which does not wait for polls',
    async (transport) => {
      house.region.transport = transport;
      const third = await house.anotherReplica();
      const ada = await house.talk.member(third, newUser('ada'), newToken());
      const greeting = await house.region.connect(third, 'new');
      const startedAt = performance.now();
      const closing = third.close().then(() => performance.now() - startedAt);
      // Had the server disconnected them, as after a bye, Socket.IO would not connect again.
      for (const client of [ada, greeting]) expect(await client.expectClosed()).toMatch(/^disconnect transport/);
      // A poll is held for 25 s.
      expect(await closing).toBeLessThan(10_000);
      const again = await house.region.connect(house.one, 'ada again');
      await again.helloResume(ada.resumeId);
    },
  );
});

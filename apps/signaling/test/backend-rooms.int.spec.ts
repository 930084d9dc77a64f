import { eventually, type Envelope, type ScriptedSignalingClient } from '@parley/testing';
import { type TalkServer } from './backend-poster';
import { inEveryLayout } from './layouts';
import { TalkHouse } from './talk-house';

const house = new TalkHouse({ backendTimes: { pingMs: 300, leaveRetryMs: [500, 100] } });
/** One that waits neither for guests nor, for long, for who lost its connection. */
const hasty = new TalkHouse({ times: { guestJoinMs: 600 }, liveTimes: { resumeWindowMs: 2_000 } });
const { here, postTo } = house;

const ada = (at = house.one, of = house.talk) => of.user(at, 'ada');
const bob = (at = house.two, of = house.talk) => of.user(at, 'bob');
const guest = (at = house.one) => house.talk.guest(at);

/** Waits until the backend has heard exactly this about one of its sessions. */
async function heard({ cloud }: TalkServer, sessionid: string, actions: string[]): Promise<void> {
  const same = () => JSON.stringify(cloud.roomActions(sessionid)) === JSON.stringify(actions);
  await eventually(same, () => `${actions.join(', ')} of ${sessionid}, not ${cloud.roomActions(sessionid).join(', ')}`);
}

const leftEvent = (id: string) => (frame: Envelope) => {
  const event = frame.event as { type?: string; leave?: string[] } | undefined;
  return event?.type === 'leave' && event.leave?.includes(id) === true;
};

inEveryLayout(house, () => {
  describe('joining', () => {
    test('no bandwidth unless the backend has limits', async () => {
      const limited = await house.newCloud({ maxStreamBitrate: 1_000_000 });
      expect((await (await ada()).join(here('token'))).room).toEqual({
        roomid: here('token'),
        properties: { name: here('token') },
      });
      const answer = await (await ada(house.one, limited)).join(here('token'));
      expect(answer.room).toMatchObject({ bandwidth: { maxstreambitrate: 1_000_000, maxscreenbitrate: 0 } });
    });

    test('permissions of the answer hold from the first moment and on every replica', async () => {
      const [a, b] = [await ada(), await bob()];
      await a.join(here('quiet-room'), { sessionid: here('nc-a') });
      await b.join(here('quiet-room'), { sessionid: here('nc-b') });
      const order = { type: 'control', control: { recipient: { type: 'room' }, data: 'mute' } };
      a.send(order);
      a.message({ type: 'room' }, 'marker');
      await b.expectNothing('control', 'message');
      a.drop();
      await a.expectClosed();
      const again = await house.region.connect(house.two, 'ada again');
      await again.helloResume(a.resumeId);
      again.send(order);
      again.message({ type: 'room' }, 'marker');
      await b.expectNothing('control', 'message');
    });

    test('a guest has the name the room gave, in the join event, as sender and as recipient; not towards the backend', async () => {
      const anonymous = await guest();
      const b = await bob();
      await b.join(here('named-room'), { sessionid: here('nc-bob') });
      await anonymous.join(here('named-room'), { sessionid: here('nc-guest') });
      const joined = (await b.expectJoined(anonymous.sessionId)).event as { join: object[] };
      expect(joined.join[0]).toMatchObject({
        userid: `guest-of-${here('named-room')}`,
        roomsessionid: here('nc-guest'),
      });
      anonymous.message({ type: 'room' }, 'hi');
      expect((await b.expect('message')).message).toMatchObject({
        sender: { userid: `guest-of-${here('named-room')}` },
      });
      b.message({ type: 'user', userid: `guest-of-${here('named-room')}` }, 'hello');
      expect((await anonymous.expect('message')).message).toMatchObject({ data: 'hello' });
      const ping = await eventually(
        () =>
          house.talk.cloud.requests
            .flatMap(({ ping: p }) => p?.entries ?? [])
            .find(({ sessionid }) => sessionid === here('nc-guest')),
        'a ping of the guest',
      );
      expect(ping).toEqual({ sessionid: here('nc-guest') });
      anonymous.drop();
      await anonymous.expectClosed();
      const again = await house.region.connect(house.two, 'guest again');
      // Still nobody, whatever the room called it.
      expect((await again.helloResume(anonymous.resumeId)).hello).toMatchObject({ userid: '' });
      await again.leave();
      await eventually(() => house.talk.cloud.roomActions(here('nc-guest')).length === 2, 'the notice of its leave');
      const notice = house.talk.cloud.requests.find(
        ({ room }) => room?.sessionid === here('nc-guest') && room.action === 'leave',
      );
      expect(notice?.room).not.toHaveProperty('userid');
    });
  });

  describe('leave notices', () => {
    test('after a leave, a change of rooms, a bye', async () => {
      const a = await ada();
      await a.join(here('room-1'), { sessionid: here('nc-1') });
      await a.join(here('room-2'), { sessionid: here('nc-2') });
      await heard(house.talk, here('nc-1'), [`join ${here('room-1')}`, `leave ${here('room-1')}`]);
      await a.leave();
      await heard(house.talk, here('nc-2'), [`join ${here('room-2')}`, `leave ${here('room-2')}`]);
      await a.join(here('room-3'), { sessionid: here('nc-3') });
      await a.bye();
      await heard(house.talk, here('nc-3'), [`join ${here('room-3')}`, `leave ${here('room-3')}`]);
    });

    test('not when a connection is lost, and not after a resume', async () => {
      const [a, b] = [await ada(), await bob()];
      await a.join(here('room'), { sessionid: here('nc-a1') });
      await b.join(here('room'), { sessionid: here('nc-b1') });
      b.drop();
      await b.expectClosed();
      const again = await house.region.connect(house.one, 'bob again');
      await again.helloResume(b.resumeId);
      await again.leave();
      await again.join(here('room'), { sessionid: here('nc-b2') });
      await heard(house.talk, here('nc-b1'), [`join ${here('room')}`, `leave ${here('room')}`]);
      await a.leave();
      await heard(house.talk, here('nc-a1'), [`join ${here('room')}`, `leave ${here('room')}`]);
      expect(house.talk.cloud.roomActions(here('nc-b2'))).toEqual([`join ${here('room')}`]);
    });

    test('after the room was deleted, and after somebody was disinvited, by either replica', async () => {
      const [a, b] = [await ada(), await bob()];
      await a.join(here('doomed'), { sessionid: here('nc-doomed-a') });
      await b.join(here('doomed'), { sessionid: here('nc-doomed-b') });
      await postTo('two')(here('doomed'), 'delete', { userids: ['ada'] });
      const actions = [`join ${here('doomed')}`, `leave ${here('doomed')}`];
      for (const id of ['nc-doomed-a', 'nc-doomed-b']) await heard(house.talk, here(id), actions);
      const c = await house.talk.user(house.one, 'eve');
      await c.join(here('kept'), { sessionid: here('nc-kept') });
      await postTo('two')(here('kept'), 'disinvite', { userids: ['eve'], alluserids: ['ada'] });
      await c.expectClosed();
      await heard(house.talk, here('nc-kept'), [`join ${here('kept')}`, `leave ${here('kept')}`]);
    });

    test('not for sessions the backend does not know', async () => {
      const a = await ada();
      await a.join(here('room'));
      await a.leave();
      await a.join(here('room'), { sessionid: here('nc-known') });
      await a.leave();
      await heard(house.talk, here('nc-known'), [`join ${here('room')}`, `leave ${here('room')}`]);
      expect(house.talk.cloud.roomActions(a.sessionId)).toEqual([`join ${here('room')}`]);
    });

    test('are tried again when the backend has a bad moment', async () => {
      const a = await ada();
      await a.join(here('room'), { sessionid: here('nc-retry') });
      house.talk.cloud.broken = 2;
      await a.leave();
      await heard(house.talk, here('nc-retry'), [`join ${here('room')}`, `leave ${here('room')}`]);
      expect(house.talk.cloud.broken).toBe(0);
    });

    test('are given up when the session is back meanwhile', async () => {
      const slow = await house.newCloud();
      const [a, b] = [await ada(house.one, slow), await ada(house.two, slow)];
      await a.join(here('room'), { sessionid: here('nc-back') });
      let fail: () => void = () => undefined;
      slow.cloud.brokenAfter = new Promise((resolve) => (fail = resolve));
      slow.cloud.broken = 1;
      await a.leave();
      await eventually(() => slow.cloud.broken === 0, 'the first try');
      await b.join(here('room'), { sessionid: here('nc-back') });
      fail();
      // What is tried again later than that has been decided about when this one is told.
      const marker = await bob(house.one, slow);
      await marker.join(here('room'), { sessionid: here('nc-marker') });
      slow.cloud.broken = 1;
      await marker.leave();
      await heard(slow, here('nc-marker'), [`join ${here('room')}`, `leave ${here('room')}`]);
      expect(slow.cloud.roomActions(here('nc-back'))).toEqual([`join ${here('room')}`, `join ${here('room')}`]);
    });
  });

  describe('the same session of the backend joins again', () => {
    test.each(['the same', 'another'])(
      'on %s replica: the former one goes, the backend hears of no leave',
      async (where) => {
        const room = here(`takeover-${where.length}`);
        const first = await ada(house.one);
        const witness = await bob(house.two);
        await witness.join(room, { sessionid: `${room}-witness` });
        await first.join(room, { sessionid: `${room}-ada` });
        await witness.expectJoined(first.sessionId);
        const second = await ada(where === 'another' ? house.two : house.one);
        await second.join(room, { sessionid: `${room}-ada` });
        expect((await first.expect('bye')).bye).toEqual({ reason: 'room_session_reconnected' });
        await first.expectClosedForGood();
        await witness.expect(leftEvent(first.sessionId));
        await witness.expectJoined(second.sessionId);
        await second.expectJoined(witness.sessionId);
        await second.fence();
        const seen = second.received.flatMap(
          (frame) => (frame.event as { join?: { sessionid: string }[] })?.join ?? [],
        );
        expect(seen.map(({ sessionid }) => sessionid).sort()).toEqual([second.sessionId, witness.sessionId].sort());
        const again = await house.region.connect(house.one, 'first again');
        await expect(again.helloResume(first.resumeId)).rejects.toThrow(/no_such_session/);
        await witness.leave();
        await heard(house.talk, `${room}-witness`, [`join ${room}`, `leave ${room}`]);
        expect(house.talk.cloud.roomActions(`${room}-ada`)).toEqual([`join ${room}`, `join ${room}`]);
      },
    );

    test('all at once: one stays', async () => {
      const all = await Promise.all(Array.from({ length: 6 }, (_, index) => ada(index % 2 ? house.one : house.two)));
      await Promise.allSettled(all.map((client) => client.join(here('rush'), { sessionid: here('nc-rush') })));
      const members = async () => {
        const open = await house.region.database.prisma.room.findFirstOrThrow({
          where: { name: here('rush'), closedAt: null },
        });
        return house.one.live.rooms.members(open.id as Parameters<typeof house.one.live.rooms.members>[0]);
      };
      await eventually(
        async () => (await members()).length === 1,
        async () => `one member: ${JSON.stringify(await members())}`,
      );
      await eventually(
        () => all.filter((client) => client.received.some(({ type }) => type === 'bye')).length === 5,
        () => `five byes: ${all.map((client) => JSON.stringify(client.received.at(-1))).join('\n')}`,
      );
    });

    test('a tenant cannot take over the session of another one', async () => {
      const other = await house.newCloud();
      const mine = await ada();
      await mine.join(here('room'), { sessionid: here('nc-shared') });
      const theirs = await bob(house.two, other);
      await theirs.join(here('room'), { sessionid: here('nc-shared') });
      await theirs.fence();
      await mine.fence();
      await mine.expectNothing('bye');
    });
  });
});

inEveryLayout(hasty, () => {
  test('guests must be in a room, also after they left one', async () => {
    const idle = await hasty.talk.guest(hasty.one);
    expect((await idle.expect('bye')).bye).toEqual({ reason: 'room_join_timeout' });
    await idle.expectClosed();
    const left = await eventually(() => inAndOutInTime(hasty.here('named-other')), 'a guest to enter in time', 30_000);
    expect((await left.expect('bye')).bye).toEqual({ reason: 'room_join_timeout' });
  });

  test('a leave notice after an expiry, once, whichever replica notices; none of who came back in time', async () => {
    const [room, { cloud }] = [hasty.here('room'), hasty.talk];
    const a = await hasty.talk.user(hasty.one, 'ada');
    await a.join(room, { sessionid: hasty.here('nc-a') });
    let tries = 0;
    const back = await eventually(() => backInTime(room, hasty.here(`nc-b${(tries += 1)}`)), 'Bob to be back in time');
    const gone = await hasty.talk.user(hasty.two, 'eve');
    await gone.join(room, { sessionid: hasty.here('nc-gone') });
    gone.drop();
    await a.expect(leftEvent(gone.sessionId));
    await heard(hasty.talk, hasty.here('nc-gone'), [`join ${room}`, `leave ${room}`]);
    expect(cloud.roomActions(back)).toEqual([`join ${room}`]);
  });

  /** A guest that entered a room and left it. Throws when it is late: whoever stands still for a moment may be. */
  async function inAndOutInTime(room: string): Promise<ScriptedSignalingClient> {
    const guest = await hasty.talk.guest(hasty.two);
    await guest.join(room);
    await guest.expectNothing('bye');
    await guest.leave();
    return guest;
  }

  /** Loses the connection and resumes on the other replica; answers the backend's session. Throws when it is late. */
  async function backInTime(room: string, sessionid: string): Promise<string> {
    const client = await hasty.talk.user(hasty.two, 'bob');
    await client.join(room, { sessionid });
    client.drop();
    await client.expectClosed();
    const again = await hasty.region.connect(hasty.one, 'bob again');
    await again.helloResume(client.resumeId);
    return sessionid;
  }
});

import { brandAs, type JsonObject, type RoomSessionId } from '@parley/domain';
import type { Envelope, ScriptedSignalingClient } from '@parley/testing';
import { event, eventOf, expectEvent, foreignIdOf, isRoom, isUpdate } from './backend-poster';
import { inEveryLayout } from './layouts';
import { TalkHouse } from './talk-house';

const house = new TalkHouse();
const { newToken, newUser, settle, post } = house;

inEveryLayout(house, () => {
  test('participants: ids translated, unknown ones dropped, permissions kept inside and in force', async () => {
    const token = newToken();
    const ada = await house.talk.member(house.one, newUser('ada'), token);
    const bob = await house.talk.member(house.two, newUser('bob'), token);
    const order = (n: number) =>
      ada.send({ type: 'control', control: { recipient: { type: 'room' }, data: { type: 'mute', n } } });
    // As long as the backend has said nothing, everything is allowed.
    order(1);
    await bob.expect('control');
    const changed = (permissions: string[]) => ({
      changed: [{ sessionId: foreignIdOf(ada), permissions, inCall: 0 }],
      users: [
        { sessionId: foreignIdOf(bob), userId: 'b', permissions: ['control'] },
        { sessionId: '0', userId: 'nobody' },
        { sessionId: 'unknown', userId: 'unknown' },
      ],
    });
    for (const permissions of [['publish-audio'], []]) {
      await post(token, 'participants', changed(permissions));
      for (const client of [ada, bob]) {
        expect(await expectEvent(client, 'participants', 'update')).toEqual({
          roomid: token,
          users: [
            { sessionId: bob.sessionId, userId: 'b' },
            expect.objectContaining({ sessionId: ada.sessionId, inCall: 0 }),
          ],
        });
      }
      order(2);
      await settle(ada, bob);
      await bob.expectNothing('control');
    }
    await post(token, 'participants', changed(['control']));
    await ada.expect(isUpdate);
    order(3);
    expect((await bob.expect('control')).control).toMatchObject({ data: { n: 3 } });
  });

  test('participants nobody of whom is known: accepted, and nothing is told', async () => {
    const token = newToken();
    const ada = await house.talk.member(house.one, newUser('ada'), token);
    const list = [{ sessionId: '0' }, { sessionId: 'unknown' }, {}];
    await post(token, 'participants', { changed: list, users: list });
    await post(token, 'incall', { incall: 1, changed: list, users: list });
    await post(token, 'message', { data: 'after it' });
    await ada.expectNothing(isUpdate, event('room', 'message'));
  });

  test('incall: everybody is shown the list in its order; messages to the call reach who is in it', async () => {
    const token = newToken();
    const ada = await house.talk.member(house.one, newUser('ada'), token);
    const bob = await house.talk.member(house.two, newUser('bob'), token);
    const eve = await house.talk.member(house.two, newUser('eve'), token);
    const entry = (client: ScriptedSignalingClient, inCall: number | boolean) => {
      return { sessionId: foreignIdOf(client), nextcloudSessionId: foreignIdOf(client), inCall };
    };
    const tell = async (inCall: number | boolean) => {
      await post(token, 'incall', {
        incall: inCall,
        changed: [entry(bob, inCall)],
        users: [entry(eve, 0), entry(bob, inCall), entry(ada, 0)],
      });
      for (const client of [ada, bob, eve]) {
        const { users } = (await expectEvent(client, 'participants', 'update')) as { users: JsonObject[] };
        expect(users.map(({ sessionId, inCall: flags }) => [sessionId, flags])).toEqual([
          [eve.sessionId, 0],
          [bob.sessionId, inCall],
          [ada.sessionId, 0],
        ]);
      }
    };
    const isCallMessage = (envelope: Envelope) => JSON.stringify(envelope.message ?? '').includes('"call"');
    for (const inCall of [7, true]) {
      await tell(inCall);
      ada.message({ type: 'call' }, { n: 1 });
      expect((await bob.expect('message')).message).toMatchObject({ sender: { type: 'call' }, data: { n: 1 } });
    }
    await tell(0);
    ada.message({ type: 'call' }, { n: 2 });
    await settle(ada, bob, eve);
    await bob.expectNothing(isCallMessage);
    await eve.expectNothing(isCallMessage);
  });

  test('incall all: one event for each, on both replicas, and none when nothing changes', async () => {
    const token = newToken();
    const ada = await house.talk.member(house.one, newUser('ada'), token);
    const bob = await house.talk.member(house.two, newUser('bob'), token);
    for (const inCall of [7, 0]) {
      for (let time = 0; time < 2; time += 1) await post(token, 'incall', { incall: inCall, all: true });
      for (const client of [ada, bob]) {
        expect(await expectEvent(client, 'participants', 'update')).toEqual({
          roomid: token,
          incall: inCall,
          all: true,
        });
      }
      await settle(ada, bob);
      await settle(bob, ada);
      for (const client of [ada, bob]) await client.expectNothing(isUpdate);
    }
  });

  test('a service in a deleted room hears of that too; it keeps its own call state when all leave', async () => {
    const token = newToken();
    const ada = await house.talk.member(house.one, newUser('ada'), token);
    const recorder = await house.talk.service(house.two, 'recorder');
    await recorder.join(token);
    await recorder.expectJoined(ada.sessionId);
    await ada.expect(isUpdate);
    await post(token, 'incall', { incall: 7, all: true });
    expect(await expectEvent(ada, 'participants', 'update')).toEqual({ roomid: token, incall: 7, all: true });
    await post(token, 'incall', { incall: 0, all: true });
    expect(await expectEvent(ada, 'participants', 'update')).toEqual({ roomid: token, incall: 0, all: true });
    const list = [{ sessionId: foreignIdOf(ada), inCall: 0 }];
    await post(token, 'participants', { changed: list, users: list });
    const { users } = (await expectEvent(ada, 'participants', 'update')) as { users: JsonObject[] };
    expect(users).toMatchObject([
      { sessionId: ada.sessionId, inCall: 0 },
      { sessionId: recorder.sessionId, internal: true, inCall: 3 },
    ]);
    await post(token, 'delete', { userids: [] });
    await recorder.expect(event('room', 'delete'));
    for (const client of [ada, recorder]) expect((await client.expect(isRoom)).room).toEqual({ roomid: '' });
  });

  test('requests that overtake each other: everybody ends with the same list, the one that is kept', async () => {
    const token = newToken();
    const ada = await house.talk.member(house.one, newUser('ada'), token);
    const bob = await house.talk.member(house.two, newUser('bob'), token);
    const tell = (n: number) => {
      const users = [{ sessionId: foreignIdOf(ada), inCall: 0, n }, ...(n % 3 === 0 ? [{ sessionId: 'unknown' }] : [])];
      return house.talk.post(n % 2 === 0 ? house.one : house.two, token, 'incall', { incall: 0, changed: [], users });
    };
    await Promise.all(Array.from({ length: 24 }, (_, n) => tell(n)));
    await settle(ada, bob);
    await settle(bob, ada);
    const room = await house.region.database.prisma.room.findFirstOrThrow({ where: { name: token, closedAt: null } });
    const kept = await house.one.live.rooms.document(brandAs<RoomSessionId>(room.id), 'users');
    expect(kept).toHaveLength(1);
    for (const client of [ada, bob]) {
      const last = client.received.filter((envelope) => eventOf(envelope)?.target === 'participants').at(-1);
      expect((last && eventOf(last)?.update) ?? 'no update').toMatchObject({ users: kept });
    }
  });
});

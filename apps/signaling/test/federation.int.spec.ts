import type { JsonObject, JsonValue } from '@parley/domain';
import { eventually, type ScriptedSignalingClient } from '@parley/testing';
import { event, expectEvent, foreignIdOf } from './backend-poster';
import { addressOf, FederationHouse, idOf, joinOf } from './federation-house';
import { inEveryLayout } from './layouts';

// Guests come in by the near door one, friends of theirs by two; hosts are on the far side behind two, where the way
// between the clusters does not lead.
const house = new FederationHouse();

const isLeave = event('room', 'leave');
const isJoin = event('room', 'join');

/** The rooms of a client's own Nextcloud session that a cloud was pinged about. */
const pingsAbout = (cluster: 'near' | 'far', client: ScriptedSignalingClient) =>
  house[cluster].talk.cloud.requests.flatMap(({ ping }) =>
    (ping?.entries ?? []).filter(({ sessionid }) => sessionid === foreignIdOf(client)),
  );

inEveryLayout(house, () => {
  describe('a guest in a room of another cluster', () => {
    test('each side knows it by its own name for it', async () => {
      const room = house.newRoom();
      const host = await house.far.talk.member(house.far.two, 'bob', room.remote);
      const guest = await house.near.talk.user(house.near.gateway, 'ada', { features: ['one', 'message-seq'] });
      const federation = await house.federation('ada', room.remote);
      const answer = await guest.join(room.local, { sessionid: foreignIdOf(guest), federation });
      expect(answer.room).toMatchObject({ roomid: room.local, properties: { name: room.remote } });
      const [here] = joinOf(await guest.expectJoined(guest.sessionId));
      const [there] = joinOf(await host.expect(isJoin));
      expect(there).toMatchObject({
        userid: house.cloudId('ada'),
        // The second one is between the clusters.
        features: ['one', 'message-seq'],
        federated: true,
        roomsessionid: foreignIdOf(guest),
        user: { displayname: 'Displayname ada' },
      });
      expect(there?.sessionid).not.toBe(guest.sessionId);
      expect(here).toEqual({ ...there, sessionid: guest.sessionId });
      await guest.expectJoined(host.sessionId);
      expect(
        house.far.talk.cloud.requests.filter(({ room: asked }) => asked?.sessionid === foreignIdOf(guest)),
      ).toEqual([
        {
          type: 'room',
          room: {
            version: '1.0',
            roomid: room.remote,
            userid: house.cloudId('ada'),
            sessionid: foreignIdOf(guest),
            actorid: house.cloudId('ada'),
            actortype: 'federated_users',
          },
        },
      ]);
      // Its own cloud was not asked.
      expect(house.near.talk.cloud.roomActions(foreignIdOf(guest))).toEqual([]);
    });

    test('its own cloud is pinged, the other one is not', async () => {
      const { guest, host, room } = await house.pair();
      await house.near.talk.cloud.expectRequest(({ ping }) =>
        Boolean(ping?.entries.some(({ sessionid, userid }) => sessionid === foreignIdOf(guest) && userid === 'ada')),
      );
      const about = house.near.talk.cloud.requests.filter(({ ping }) => ping?.roomid === room.local);
      expect(about.length).toBeGreaterThan(0);
      await eventually(() => pingsAbout('far', host).length > 1, 'pings about the host');
      expect(pingsAbout('far', guest)).toEqual([]);
    });

    test('leaves and comes again', async () => {
      const before = house.gate.passed;
      const { guest, host, room, remoteId } = await house.pair();
      const answer = await guest.leave();
      expect(answer.room).toEqual({ roomid: '' });
      expect(await expectEvent(host, 'room', 'leave')).toEqual([remoteId]);
      await house.far.talk.cloud.expectRequest(
        ({ room: told }) =>
          told?.action === 'leave' && told.sessionid === foreignIdOf(guest) && told.actorid === house.cloudId('ada'),
      );
      expect(house.near.talk.cloud.roomActions(foreignIdOf(guest))).toEqual([]);
      await eventually(() => house.gate.openAfter(before) === 0, 'the end of the connection');
      await house.enter(guest, 'ada', room);
      await host.expect(isJoin);
      await guest.bye();
      await host.expect(isLeave);
    });

    test('messages and orders go both ways, not to itself, and payloads keep their bytes', async () => {
      const { guest, host, remoteId } = await house.pair();
      guest.message({ type: 'session', sessionid: host.sessionId }, { to: 'host' });
      expect((await host.expect('message')).message).toEqual({
        sender: { type: 'session', sessionid: remoteId, userid: house.cloudId('ada') },
        data: { to: 'host' },
      });
      host.message({ type: 'session', sessionid: remoteId }, 'to the guest');
      expect((await guest.expect('message')).message).toEqual({
        sender: { type: 'session', sessionid: host.sessionId, userid: 'bob' },
        data: 'to the guest',
      });
      guest.message({ type: 'session', sessionid: guest.sessionId }, 'to myself');
      guest.message({ type: 'session', sessionid: remoteId }, 'to myself');
      guest.message({ type: 'room' }, 'to all');
      expect((await host.expect('message')).message).toMatchObject({ data: 'to all' });
      host.message({ type: 'room' }, 'back');
      expect((await guest.expect('message')).message).toMatchObject({ data: 'back' });
      const control = (data: JsonObject) => ({ type: 'control', control: { recipient: { type: 'room' }, data } });
      const forceMute = (peerId: string) => ({ type: 'control', payload: { action: 'forceMute', peerId } });
      host.send(control(forceMute(remoteId)));
      expect((await guest.expect('control')).control).toMatchObject({ data: forceMute(guest.sessionId) });
      guest.send(control(forceMute(guest.sessionId)));
      expect((await host.expect('control')).control).toMatchObject({ data: forceMute(remoteId) });
      guest.send(control(forceMute(host.sessionId)));
      expect((await host.expect('control')).control).toMatchObject({ data: forceMute(host.sessionId) });
    });

    test('participants: sessions, people and the room have the names of this side', async () => {
      const { guest, host, room, remoteId } = await house.pair();
      const users = [
        { sessionId: foreignIdOf(host), inCall: 1, actorType: 'users', actorId: 'bob' },
        { sessionId: foreignIdOf(guest), inCall: 1, actorType: 'federated_users', actorId: house.cloudId('ada') },
      ];
      const body = { incall: 1, changed: users, users };
      expect((await house.far.talk.post(house.far.two, room.remote, 'incall', body)).status).toBe(200);
      expect(await expectEvent(guest, 'participants', 'update')).toMatchObject({
        roomid: room.local,
        users: [
          { sessionId: host.sessionId, actorType: 'federated_users', actorId: `bob@${addressOf(house.far)}` },
          { sessionId: guest.sessionId, actorType: 'users', actorId: 'ada' },
        ],
      });
      expect(await expectEvent(host, 'participants', 'update')).toMatchObject({
        roomid: room.remote,
        users: [{}, { sessionId: remoteId, actorType: 'federated_users', actorId: house.cloudId('ada') }],
      });
    });

    test('more come, directly and as guests', async () => {
      const { guest, host, room } = await house.pair();
      const third = await house.far.talk.member(house.far.two, 'eve', room.remote);
      await Promise.all([guest, host].map((client) => client.expectJoined(third.sessionId)));
      const fourth = await house.near.talk.user(house.near.two, 'joe');
      await house.enter(fourth, 'joe', room);
      const [seen] = joinOf(await guest.expect(isJoin));
      expect(joinOf(await host.expect(isJoin))).toEqual([seen]);
      // Only to itself it is what its own cluster calls it.
      expect(seen?.sessionid).not.toBe(fourth.sessionId);
      guest.message({ type: 'session', sessionid: idOf(seen) }, 'hi');
      expect((await fourth.expect('message')).message).toMatchObject({ data: 'hi' });
    });

    test('transient data, with the keys of its session mapped', async () => {
      const { guest, host, remoteId } = await house.pair();
      const set = (key: string, value: JsonValue) => ({ type: 'transient', transient: { type: 'set', key, value } });
      guest.send(set(`sd:${guest.sessionId}`, { hand: 1 }));
      expect((await guest.expect('transient')).transient).toMatchObject({ key: `sd:${guest.sessionId}` });
      expect((await host.expect('transient')).transient).toMatchObject({ key: `sd:${remoteId}`, value: { hand: 1 } });
      host.send(set('k', 2));
      expect((await host.expect('transient')).transient).toMatchObject({ key: 'k' });
      expect((await guest.expect('transient')).transient).toMatchObject({ type: 'set', key: 'k', value: 2 });
      await guest.leave();
      expect((await host.expect('transient')).transient).toMatchObject({ type: 'remove', key: `sd:${remoteId}` });
    });

    test('chat is relayed to who wants it, with the names of this side', async () => {
      const relayed = await house.pair({ features: ['chat-relay'] });
      const plain = await house.near.talk.user(house.near.two, 'joe');
      await house.enter(plain, 'joe', relayed.room);
      const { local, remote } = relayed.room;
      const comment = { id: 1, token: remote, actorType: 'users', actorId: 'bob', message: 'hi' };
      const data = { type: 'chat', chat: { refresh: true, comment } };
      await house.far.talk.post(house.far.two, remote, 'message', { data });
      expect(await expectEvent(relayed.guest, 'room', 'message')).toEqual({
        roomid: local,
        data: {
          type: 'chat',
          chat: {
            comment: { ...comment, token: local, actorType: 'federated_users', actorId: `bob@${addressOf(house.far)}` },
          },
        },
      });
      expect(await expectEvent(plain, 'room', 'message')).toEqual({
        roomid: local,
        data: { type: 'chat', chat: { refresh: true } },
      });
    });
  });

  describe('entering a room of another cluster', () => {
    test('twice: already_joined, by the name of this side', async () => {
      const { guest, room } = await house.pair();
      const federation = await house.federation('ada', room.remote);
      const answer = await guest.request('room', { roomid: room.local, sessionid: foreignIdOf(guest), federation });
      expect(answer).toMatchObject({
        type: 'error',
        error: { code: 'already_joined', details: { room: { roomid: room.local } } },
      });
      guest.message({ type: 'room' }, 'still here');
      await guest.expectNothing('error');
    });

    test('another one there: over the same connection', async () => {
      const { guest, host, remoteId } = await house.pair();
      // Its own: those of former tests may come and go.
      const way = house.gate.whichSaid(remoteId);
      expect(way).toMatchObject([{ open: true }]);
      const next = house.newRoom();
      const other = await house.far.talk.member(house.far.two, 'eve', next.remote);
      await house.enter(guest, 'ada', next);
      expect(house.gate.whichSaid(remoteId)).toEqual(way);
      expect(await expectEvent(host, 'room', 'leave')).toEqual([remoteId]);
      await other.expectJoined(remoteId);
      guest.message({ type: 'room' }, 'here now');
      expect((await other.expect('message')).message).toMatchObject({ data: 'here now' });
    });

    test('with a token that is not valid, or into a room that is closed to it', async () => {
      const before = house.gate.passed;
      const { guest, room } = await house.pair();
      await guest.leave();
      const federation = await house.federation('ada', room.remote);
      const tries: [object, string][] = [
        [{ token: 'nonsense' }, 'invalid_token'],
        [{ roomid: 'secret-room' }, 'no_such_room'],
        [{ url: 'https://unknown.test/' }, 'invalid_backend'],
        [{ signaling: 'ftp://unknown.test/' }, 'invalid_format'],
      ];
      for (const [change, code] of tries) {
        const answer = await guest.request('room', { roomid: room.local, federation: { ...federation, ...change } });
        expect([answer.type, (answer.error as { code: string }).code]).toEqual(['error', code]);
      }
      await eventually(() => house.gate.openAfter(before) === 0, 'the end of the connections');
    });

    test('where nobody answers, or where it must not go: federation_error', async () => {
      const guest = await house.near.talk.user(house.near.gateway, 'ada');
      // Nothing listens at the port; the addresses are not among those the operator allowed.
      for (const signaling of [
        'http://127.0.0.1:9/',
        'https://10.0.0.1/',
        'http://169.254.169.254/',
        'https://[::ffff:10.0.0.1]/',
      ]) {
        const federation = await house.federation('ada', 'x', { signaling });
        const answer = await guest.request('room', { roomid: 'x', federation });
        expect(answer.error).toMatchObject({ code: 'federation_error', details: { code: 'network_error' } });
      }
    });

    test('of a cloud without federation: federation_unsupported', async () => {
      const old = await house.far.newCloud();
      house.trustsUs(old);
      old.cloud.capabilities.features = old.cloud.capabilities.features.filter((each) => each !== 'federation-v2');
      const guest = await house.near.talk.user(house.near.gateway, 'ada');
      const federation = await house.federation('ada', 'x', { url: old.cloud.url });
      const answer = await guest.request('room', { roomid: 'x', federation });
      expect(answer.error).toMatchObject({ code: 'federation_unsupported' });
    });

    test('from a room of this cluster and back: each is left for the other', async () => {
      const room = house.newRoom();
      const { local: home } = house.newRoom();
      const friend = await house.near.talk.member(house.near.two, 'eve', home);
      const guest = await house.near.talk.member(house.near.gateway, 'ada', home);
      await friend.expectJoined(guest.sessionId);
      const host = await house.far.talk.member(house.far.two, 'bob', room.remote);
      await house.enter(guest, 'ada', room);
      expect(await expectEvent(friend, 'room', 'leave')).toEqual([guest.sessionId]);
      await guest.join(home, { sessionid: foreignIdOf(guest) });
      await friend.expectJoined(guest.sessionId);
      await host.expect(isLeave);
      guest.message({ type: 'room' }, 'home again');
      expect((await friend.expect('message')).message).toMatchObject({ data: 'home again' });
    });

    test('that it is no longer invited to: it is out, and hears why', async () => {
      const { guest, room } = await house.pair();
      const body = { userids: [], sessionids: [foreignIdOf(guest)], alluserids: [] };
      await house.far.talk.post(house.far.two, room.remote, 'disinvite', body);
      expect(await expectEvent(guest, 'roomlist', 'disinvite')).toMatchObject({ roomid: room.local });
      await guest.join(house.newRoom().local, { sessionid: foreignIdOf(guest) });
      await guest.expectJoined(guest.sessionId);
    });
  });
});

import type { JsonObject } from '@parley/domain';
import type { ScriptedSignalingClient } from '@parley/testing';
import { expectEvent } from './backend-poster';
import { addressOf, FederationHouse } from './federation-house';

let house: FederationHouse;
beforeAll(async () => {
  house = await FederationHouse.start();
});
afterEach(() => house?.sendEverybodyHome());
afterAll(() => house?.close());

const dataFor = async (client: ScriptedSignalingClient) =>
  ((await client.expect('message')).message as { data: unknown }).data;

test('offers and answers name their ends as each side knows them', async () => {
  const { guest, host, remoteId } = await house.pair();
  const signal = (type: string, from: string, to: string): JsonObject => ({
    ...{ type, from, to, sid: '1', roomType: 'video' },
    // Text that happens to look like an id is nobody's name.
    payload: { type, sdp: `v=0 ${remoteId} ${guest.sessionId}` },
  });
  host.message({ type: 'session', sessionid: remoteId }, signal('offer', host.sessionId, remoteId));
  expect(await dataFor(guest)).toEqual(signal('offer', host.sessionId, guest.sessionId));
  guest.message({ type: 'session', sessionid: host.sessionId }, signal('answer', guest.sessionId, host.sessionId));
  expect(await dataFor(host)).toEqual(signal('answer', remoteId, host.sessionId));
  host.message({ type: 'room' }, signal('candidate', host.sessionId, remoteId));
  expect(await dataFor(guest)).toEqual(signal('candidate', host.sessionId, guest.sessionId));
});

test('mentions lead to the right people and the right conversation', async () => {
  const { guest, host, room } = await house.pair({ features: ['chat-relay'] });
  const [near, far] = [house.near, house.far].map(({ talk }) => talk.cloud.url.replace(/\/$/, ''));
  const bob = { type: 'user', id: 'bob', name: 'Bob' };
  const ada = { type: 'user', id: 'ada', name: 'Ada', 'mention-id': `federated_user/${house.cloudId('ada')}` };
  const comment = (token: string, actor: JsonObject, parameters: JsonObject) => ({
    ...{
      id: 1,
      token,
      message: '{mention-user1} {mention-federated-user1} {mention-call1}',
      messageParameters: parameters,
    },
    ...actor,
    parent: { id: 0, token, ...actor, messageParameters: parameters },
  });
  const written = comment(
    room.remote,
    { actorType: 'users', actorId: 'bob' },
    {
      'mention-user1': bob,
      'mention-federated-user1': { ...ada, server: near ?? '' },
      'mention-call1': { type: 'call', id: room.remote, name: 'Room' },
    },
  );
  const data = { type: 'chat', chat: { refresh: true, comment: written } };
  await house.far.talk.post(house.far.gateway, room.remote, 'message', { data });
  const read = comment(
    room.local,
    { actorType: 'federated_users', actorId: `bob@${addressOf(house.far)}` },
    {
      'mention-user1': { ...bob, 'mention-id': 'bob', server: far ?? '' },
      'mention-federated-user1': ada,
      'mention-call1': { type: 'call', id: room.local, name: 'Room' },
    },
  );
  expect(await expectEvent(guest, 'room', 'message')).toEqual({
    roomid: room.local,
    data: { type: 'chat', chat: { comment: read } },
  });
  expect(await expectEvent(host, 'room', 'message')).toEqual({
    roomid: room.remote,
    data: { type: 'chat', chat: { refresh: true } },
  });
});

test('an old cluster speaks for its people with hello 1.0: the backend of the room is asked', async () => {
  const { talk, gateway, region } = house.far;
  const hello = async (params: JsonObject) => {
    const client = await region.connect(gateway, 'gateway of another cluster');
    const auth = { type: 'federation', url: talk.cloud.url, params };
    return { client, answer: await client.request('hello', { version: '1.0', auth }) };
  };
  const refused = await hello({ ticket: 'bad', userid: 'ada' });
  expect(refused.answer).toMatchObject({ type: 'error', error: { code: 'invalid_ticket' } });
  const { client, answer } = await hello({ ticket: 'good', userid: 'ada' });
  expect(answer).toMatchObject({ type: 'hello', hello: { version: '1.0', userid: 'ada' } });
  const { remote } = house.newRoom();
  const host = await talk.member(gateway, 'bob', remote);
  const { sessionid } = answer.hello as { sessionid: string };
  await client.join(remote, { sessionid: `nc/${sessionid}` });
  expect((await host.expectJoined(sessionid)).event).toMatchObject({ join: [{ userid: 'ada', federated: true }] });
});

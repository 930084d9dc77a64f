import type { JsonObject } from '@parley/domain';
import { eventually } from '@parley/testing';
import { callStands } from './talk/call';
import { ADA, BOB, CLEO, DORA, GUEST, PHONE, ZOE } from './talk/people';
import type { TalkBridge } from './talk/talk-bridge';
import { TalkDay } from './talk/talk-day';
import type { TalkWebClient } from './talk/talk-web-client';

// A day of a conversation, with Talk's web clients and Talk's PHP side, on two replicas behind one URL. Each scene goes on
// where the one before ended. What the web client could not live with is a failure of the scene.
const TOKEN = '4711081500';
const BREAKOUT = 'breakout1';
const anyText: unknown = expect.any(String);

let day: TalkDay;
let ada: TalkWebClient, bob: TalkWebClient, cleo: TalkWebClient, dora: TalkWebClient;
let guest: TalkWebClient, zoe: TalkWebClient, recorder: TalkWebClient;
let bridge: TalkBridge;

beforeAll(async () => {
  day = await TalkDay.start();
});
afterEach(() => expect(day.failures).toEqual({}));
afterAll(() => day?.close());

/** Who is in the conversation with a browser. */
const people = () => [ada, bob, cleo, guest];
const others = (of: TalkWebClient) => people().filter((each) => each !== of);

test('the administrator enters the URL: Talk finds the server good, whichever replica answers', async () => {
  for (let look = 0; look < 6; look += 1) expect(await day.php.notifier.check()).toEqual({ version: anyText });
});

test('people have Talk open; a conversation begins, and its people hear of it', async () => {
  ada = await day.page(ADA, 'one');
  bob = await day.page(BOB, 'two', { onlyV1: true });
  cleo = await day.page(CLEO, 'two', { features: ['chat-relay'] });
  expect([ada, bob, cleo].map(({ hellos }) => hellos)).toEqual([['2.0'], ['1.0'], ['2.0']]);
  day.php.create(TOKEN, 'Planning', ADA, BOB, CLEO, DORA);
  await day.php.invite(TOKEN, ['bob', 'cleo', 'dora']);
  await Promise.all([bob, cleo].map((page) => page.notes(`invite ${TOKEN} "Planning"`)));
  await ada.notes(`update ${TOKEN} "Planning"`);
});

test('they open it, and a guest with them: everybody sees everybody, once', async () => {
  await ada.join(TOKEN);
  await bob.join(TOKEN);
  await cleo.join(TOKEN);
  guest = await day.page(GUEST, 'one');
  await guest.join(TOKEN);
  for (const page of people()) {
    await page.sees(...others(page));
    expect(page.view.moves).toHaveLength(4);
    for (const { id } of people()) expect(page.view.moves).toContain(`+${id}`);
    expect(page.view.properties).toMatchObject({ name: 'Planning', 'sip-enabled': 1 });
  }
});

test('the call starts: of two, the one whose id comes first offers, and the call stands', async () => {
  for (const page of people()) await page.joinCall();
  await callStands(people());
  const { participants } = ada.view;
  expect(participants).toHaveLength(4);
  // As PHP said it, with public ids, and nothing of what anybody may do.
  expect(participants.find(({ sessionId }) => sessionId === bob.id)).toEqual({
    ...{ sessionId: bob.id, inCall: 7, lastPing: expect.any(Number) as number, nextcloudSessionId: bob.nextcloudId },
    ...{ actorType: 'users', actorId: 'bob', userId: 'bob', displayName: 'Bob' },
    ...{ participantType: 3, participantPermissions: 254 },
  });
});

test('hands are raised and names changed; only a moderator mutes', async () => {
  const hand = { type: 'raiseHand', payload: { state: true, timestamp: 1 } };
  const nick = { type: 'nickChanged', payload: { name: 'G.' } };
  bob.sendToAll(hand);
  guest.sendToAll(nick);
  for (const page of others(bob)) await page.hears(bob, hand);
  for (const page of others(guest)) await page.hears(guest, nick);
  const mute = (peerId: string) => ({ type: 'control', payload: { action: 'forceMute', peerId } });
  ada.forceMute(guest.id);
  for (const page of others(ada)) await page.hears(ada, mute(guest.id));
  bob.forceMute(ada.id);
  bob.sendToAll({ type: 'marker' });
  for (const page of others(bob)) await page.hears(bob, { type: 'marker' });
  const orders = others(bob).flatMap(({ heard }) => heard.filter(({ type }) => type === 'control'));
  expect(orders.filter(({ from }) => from !== ada.id)).toEqual([]);
});

test('the guest may only listen from now on, and the conversation gets another name', async () => {
  day.php.conversation(TOKEN).mute(GUEST);
  await day.php.participantsModified(TOKEN, [GUEST]);
  for (const page of people()) {
    await page.until('the rights of the guest', () => page.entry(guest)?.participantPermissions === 1);
    expect(page.entry(guest)).not.toHaveProperty('permissions');
    expect(page.view.participants).toHaveLength(4);
  }
  await day.php.modify(TOKEN, { name: 'Planning 2' });
  for (const page of [ada, bob, cleo]) await page.notes(`update ${TOKEN} "Planning 2"`);
  for (const page of people())
    await page.until('the name', () => (page.view.properties as JsonObject).name === 'Planning 2');
  await callStands(people());
});

test('the call is recorded by a browser that is an internal client, and the chat goes on', async () => {
  recorder = await day.recorder('two');
  await recorder.join(TOKEN);
  await recorder.sees(...people());
  await recorder.joinCall(1);
  await day.php.message(TOKEN, { type: 'recording', recording: { status: 1 } });
  for (const page of people()) {
    await page.sees(recorder);
    await page.notes('recording {"status":1}');
    await page.until('the recorder', () => page.entry(recorder)?.internal === true);
  }
  await callStands([...people(), recorder]);
  const comment = { id: 1, actorType: 'users', actorId: 'ada', actorDisplayName: 'Ada', message: 'hello' };
  await day.php.message(TOKEN, { type: 'chat', chat: { refresh: true, comment } });
  // The app gets what was written, browsers are told to look.
  await cleo.until('the comment', () => cleo.view.comments.length > 0);
  expect([cleo.view.comments, cleo.view.chatFetches]).toEqual([[comment], 0]);
  for (const page of [ada, bob, guest]) {
    await page.until('to fetch the chat', () => page.view.chatFetches > 0);
    expect([page.view.comments, page.view.chatFetches]).toEqual([[], 1]);
  }
});

test('somebody is called by telephone: the bridge dials, and brings the caller in', async () => {
  bridge = await day.bridge(TOKEN, 'one');
  await bridge.join();
  day.php.conversation(TOKEN).attendees.push(PHONE);
  const [dialled, asked] = await Promise.all([day.php.dialOut(TOKEN, '+493012345', PHONE), bridge.dials('c1')]);
  expect(dialled).toEqual({ status: 200, dialout: { callid: 'c1' } });
  expect(asked).toMatchObject({ number: '+493012345', options: { actorType: 'phones', actorId: 'phone-1' } });
  bridge.reports('c1', 'ringing');
  await ada.until('the state of the call', () => ada.view.transient.has('callstatus_c1'));
  bridge.bringsIn('line 1', PHONE);
  for (const page of people()) {
    const caller = () => page.view.participants.find(({ virtual }) => virtual === true);
    await page.until('the caller', () => caller()?.inCall === 9);
    await page.until('the flags of the caller', () => page.view.flags.size === 1);
  }
  bridge.reports('c1', 'cleared');
  bridge.hangsUp('line 1');
  for (const page of people()) await page.until('the caller to be gone', () => page.view.flags.size === 0);
  await callStands([...people(), recorder]);
});

test('a laptop is closed and opened: it resumes on the other replica, with everything it missed', async () => {
  await ada.closeLid();
  const [before, fetched] = [ada.heard.length, ada.view.chatFetches];
  for (const n of [1, 2, 3]) bob.sendTo(ada.id, { type: 'marker', n });
  await cleo.joinCall(3);
  for (const id of [2, 3]) await day.php.message(TOKEN, { type: 'chat', chat: { refresh: true, comment: { id } } });
  await cleo.until('the comments', () => cleo.view.comments.length === 3);
  await day.at('two', async () => {
    ada.openLid();
    await ada.until('the resume', () => ada.hellos.length === 2);
  });
  await ada.until('the chat', () => ada.view.chatFetches === fetched + 2);
  await ada.until('the list', () => ada.view.inCall(cleo.id) === 3);
  expect(ada.hellos).toEqual(['2.0', 'resumed']);
  expect(ada.heard.slice(before).map(({ data }) => data)).toEqual([1, 2, 3].map((n) => ({ type: 'marker', n })));
  // Nobody noticed anything, and the call still stands.
  for (const page of others(ada)) expect(page.view.moves).not.toContain(`-${ada.id}`);
  await callStands([...people(), recorder]);
});

test('a replica is restarted: its people resume on the other one, and PHP tries again', async () => {
  day.door.refuseNext = 2;
  await day.php.message(TOKEN, { type: 'recording', recording: { status: 0 } });
  expect(day.php.notifier.repeated).toBe(2);
  const away = [bob, cleo, ada, recorder];
  const before = away.map(({ hellos }) => hellos.length);
  await day.stopReplica('two');
  guest.sendTo(bob.id, { type: 'marker', n: 'while away' });
  for (const [index, page] of away.entries()) {
    await page.until('to be back', () => page.hellos.length > (before[index] ?? 0));
    expect([page.troubles.at(-1), page.hellos.at(-1)]).toEqual(['closed 1012', 'resumed']);
  }
  await bob.hears(guest, { type: 'marker', n: 'while away' });
  await day.startReplica('two');
  await callStands([...people(), recorder]);
});

test('who slept too long comes back with the same Nextcloud session, and into the call', async () => {
  const [former, nextcloudId] = [cleo.id, cleo.nextcloudId];
  await day.sleepTooLong(cleo);
  for (const page of others(cleo)) await page.until('her to be gone', () => !page.view.present.has(former));
  cleo.openLid();
  await cleo.until('a new session', () => cleo.id !== former);
  expect(cleo.troubles).toContain('no_such_session');
  await callStands([...people(), recorder]);
  expect(cleo.nextcloudId).toBe(nextcloudId);
});

test('a guest who slept too long is nobody at Nextcloud and comes in as somebody new; so does the recorder', async () => {
  const [former, recording, nextcloudId] = [guest.id, recorder.id, guest.nextcloudId];
  await day.sleepTooLong(guest);
  await day.sleepTooLong(recorder);
  await eventually(() => !day.php.conversation(TOKEN).session(nextcloudId), 'PHP to forget the guest');
  for (const page of [guest, recorder]) page.openLid();
  await guest.until('a new session', () => guest.id !== former);
  // Its page has the proof of the beginning, and says it again.
  await recorder.until('a new session', () => recorder.id !== recording);
  await callStands([...people(), recorder]);
  expect(guest.nextcloudId).not.toBe(nextcloudId);
});

test('a page with an old token fetches another one; who only resumed loses sight of the others for a while', async () => {
  day.php.staleTokens = 1;
  await ada.closeLid();
  ada.openLid();
  await ada.until('the resume', () => ada.hellos.at(-1) === 'resumed');
  dora = await day.page(DORA, 'one');
  expect(dora.troubles).toEqual(['token_expired']);
  await dora.join(TOKEN);
  await dora.sees(...people(), recorder);
  for (const page of people()) await page.sees(dora);
  // That is the web client's own doing: no server sends a list of members after a resume. The call does not mind.
  expect([...ada.view.present]).toEqual([dora.id]);
  await callStands([...people(), recorder]);
  await dora.leaveRoom();
  for (const page of people()) await page.until('Dora to leave', () => !page.view.present.has(dora.id));
});

test('a Nextcloud that had too many wrong tickets answers nobody; its people try until it does', async () => {
  day.php.cloud.bruteForced = true;
  const opening = day.page(BOB, 'one', { onlyV1: true });
  await eventually(() => day.pages.at(-1)?.troubles.length, 'Bob to be refused');
  day.php.cloud.bruteForced = false;
  const page = await opening;
  expect([...new Set(page.troubles)]).toEqual(['too_many_requests']);
  page.leavePage();
});

test('somebody of another Nextcloud is let in with a good token, and refused with another', async () => {
  const invitation = () => day.php.federation(TOKEN, day.far.cloudId('zoe'), 'Zoe');
  const federated = { there: invitation, forged: async () => ({ ...(await invitation()), token: 'forged' }) };
  for (const token of Object.keys(federated)) day.far.create(token, 'Planning 2');
  const actorId = day.far.cloudId('zoe');
  day.php.conversation(TOKEN).attendees.push({ actorType: 'federated_users', actorId, displayName: 'Zoe' });
  zoe = await day.open('Zoe', 'two', day.far.visit(ZOE, { federated }));
  await expect(zoe.join('forged')).rejects.toThrow('invalid_token');
  const known = new Set(bob.view.present);
  await zoe.join('there');
  await zoe.sees(...people());
  await zoe.until('the name', () => (zoe.view.properties as JsonObject).name === 'Planning 2');
  const remoteId = await bob.seesSomebodyBut(known);
  expect(remoteId).not.toBe(zoe.id);
  bob.sendTo(remoteId, { type: 'marker', n: 'hello Zoe' });
  await zoe.hears(bob, { type: 'marker', n: 'hello Zoe' });
  // Her own Nextcloud keeps her session; this one is not asked to.
  await eventually(() => day.far.sessions.some(({ lastPing }) => lastPing > 0), 'pings of her Nextcloud');
  await zoe.leaveRoom();
  for (const page of people()) await page.until('Zoe to leave', () => page.view.moves.at(-1) === `-${remoteId}`);
});

test('some go to a breakout room, and come back', async () => {
  day.php.create(BREAKOUT, 'Breakout', BOB, CLEO);
  await day.php.switchTo(TOKEN, BREAKOUT, [bob.nextcloudId, cleo.nextcloudId]);
  await callStands([bob, cleo]);
  expect([bob, cleo, ada].map(({ view }) => view.room)).toEqual([BREAKOUT, BREAKOUT, TOKEN]);
  await callStands([ada, guest, recorder]);
  await day.php.switchTo(BREAKOUT, TOKEN, [bob.nextcloudId, cleo.nextcloudId]);
  await callStands([...people(), recorder]);
});

test('the guest is thrown out: the page is told and closed, and Nextcloud too', async () => {
  const { id } = guest;
  await day.php.remove(TOKEN, GUEST);
  await guest.notes(`disinvite ${TOKEN} disinvited`);
  await guest.until('the connection to be closed', () => guest.troubles.includes('closed 1000'));
  for (const page of [ada, bob, cleo]) await page.until('the guest to be gone', () => !page.view.present.has(id));
  await guest.comesBackAndLeaves();
  // Dora was invited and is not here any more.
  await day.php.disinvite(TOKEN, ['dora']);
  await dora.notes(`disinvite ${TOKEN} disinvited`);
  await callStands([ada, bob, cleo, recorder]);
});

test('the moderator ends the call for all, and deletes the conversation', async () => {
  await day.php.endCallForAll(TOKEN);
  for (const page of [ada, bob, cleo]) await page.notes('the call was ended');
  await day.php.delete(TOKEN);
  for (const page of [ada, bob, cleo]) {
    await page.notes(`moved from ${TOKEN} to `);
    await page.notes(`disinvite ${TOKEN} deleted`);
  }
});

test('in the evening nobody is left, and Nextcloud heard of each coming and going, and who was there', async () => {
  for (const page of day.pages) page.leavePage();
  await bridge.leaves();
  await day.becomesEmpty();
  const [once, away] = [`+${TOKEN} -${TOKEN}`, `+${BREAKOUT} -${BREAKOUT}`];
  // The guest tried to come back with a session that Nextcloud had forgotten.
  const apart = { Bob: [once, away, once], Cleo: [`${once} ${once}`, away, once], Guest: [`${once} +${TOKEN}`, once] };
  await day.nextcloudHears({ ...apart, Ada: [once], Dora: [once], Zoe: [once], [PHONE.displayName]: [once] });
  expect([...day.php.strangers, ...day.far.strangers]).toEqual([]);
});

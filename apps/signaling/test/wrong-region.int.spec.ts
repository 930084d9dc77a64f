import { brandAs, type DomainName, type RegionId, type RoomName, type TicketClaims } from '@parley/domain';
import { createDirectory, type OpenDirectory } from '@parley/persistence';
import type { Envelope, ScriptedSignalingClient } from '@parley/testing';
import type { RunningSignaling } from '../src/app';
import { DOMAIN, FAST, INTERNAL_SECRET, PUBLIC_URL, TestRegion } from './gateway';

/** Somebody who came to eu-1 although what they want is in us-1. */
const REGIONS = [
  { id: 'eu-1', number: 1, url: 'http://parley.test' },
  { id: 'us-1', number: 2, url: 'https://us.parley.test', signalingUrl: 'wss://rt.us.parley.test' },
];
const THERE = { region: 'us-1', url: 'wss://rt.us.parley.test/spreed' };

let region: TestRegion;
let replica: RunningSignaling;
let directory: OpenDirectory;

beforeAll(async () => {
  region = await TestRegion.start();
  replica = await region.replica(FAST, { PARLEY_REGIONS: JSON.stringify(REGIONS) });
  directory = createDirectory({ url: region.databaseUrl, poolSize: 1 });
});

afterAll(async () => {
  await directory?.close();
  await region?.close();
});

afterEach(() => region.sendEverybodyHome());

async function refusalOf(client: ScriptedSignalingClient): Promise<unknown> {
  const { error } = await client.expect('error');
  return error;
}

test.each([
  ['', 0],
  [', ten minutes ahead of us,', 600_000],
  [', ten minutes behind us,', -600_000],
])('a ticket of another region%s is answered with the URL of its sockets', async (_clock, aheadMs) => {
  const claims: TicketClaims = {
    id: 'tk_of_another_region',
    region: brandAs<RegionId>('us-1'),
    room: brandAs('rs_us-1_1'),
    domain: DOMAIN,
    roomName: brandAs<RoomName>('lobby'),
    role: 'by-arrival',
    passwordVersion: 0,
    userId: '',
  };
  const client = await region.connect(replica, 'ada');
  const token = await region.issue(claims, new Date(Date.now() + aheadMs));
  client.send({
    id: '1',
    type: 'hello',
    hello: { version: '2.0', auth: { url: `${PUBLIC_URL}/join`, params: { token } } },
  });
  expect(await refusalOf(client)).toMatchObject({ code: 'wrong_region', details: THERE });
});

test('a session of another region is none here: who resumes it is told so, and is let in anew with a ticket', async () => {
  const there = await TestRegion.start();
  const home = await there.replica(FAST);
  const ada = await there.visitor(home, 'Ada', 'lobby');
  const client = await region.connect(replica, 'ada');
  client.send({ id: '1', type: 'hello', hello: { version: '2.0', resumeid: ada.resumeId } });
  expect(await refusalOf(client)).toMatchObject({ code: 'no_such_session' });
  await client.hello({ ...(await region.ticket(replica, 'resumed')), features: [] });
  // Where it is, it still is.
  await (await there.connect(home, 'ada again')).helloResume(ada.resumeId);
  await there.close();
});

test('an internal client that joins a room of a domain of another region is told where that is', async () => {
  const name = brandAs<DomainName>('far.test');
  await directory.claimDomain(name, { region: brandAs<RegionId>('us-1'), epoch: 1, strictResidency: true });
  const client = await region.connect(replica, 'recorder');
  await client.helloInternal({ secret: INTERNAL_SECRET, backend: PUBLIC_URL });
  client.send({ id: '2', type: 'room', room: { roomid: 'far.test/lobby' } });
  expect(await refusalOf(client)).toMatchObject({ code: 'wrong_region', details: THERE });
  client.send({ id: '3', type: 'room', room: { roomid: 'nowhere.test/lobby' } });
  expect(await refusalOf(client)).toMatchObject({ code: 'no_such_room' });
});

test('a room that goes on in another region: all that was said, where it goes on, its end, also for who was away', async () => {
  const enter = async (name: string) => {
    const client = await region.visitor(replica, name, 'leaves', { features: ['message-seq'] });
    await client.join(`${DOMAIN}/leaves`);
    return client;
  };
  const [ada, ben, cleo] = [await enter('Ada'), await enter('Ben'), await enter('Cleo')];
  const { seq: lastSeq = '' } = await ben.expectJoined(cleo.sessionId);
  ben.drop();
  cleo.message({ type: 'room' }, 'the last word');
  await ada.expect('message');
  // What the api does.
  const { room } = await region.ticket(replica, 'leaves');
  const roomid = `${DOMAIN}/leaves`;
  await replica.live.sessions.toRoom(room, { kind: 'moved', roomName: roomid, details: THERE });
  await region.rules(replica).rooms.closeForBackend(room);
  const frames = [
    { type: 'message', message: { data: 'the last word' } },
    { type: 'event', event: { target: 'room', type: 'switchto', switchto: { roomid, details: THERE } } },
    { type: 'room', room: { roomid: '' } },
  ];
  const isOut = ({ type, room: told }: Envelope) => type === 'room' && (told as { roomid?: unknown }).roomid === '';
  await ada.expect(isOut);
  expect(ada.received.slice(-frames.length)).toMatchObject(frames);
  const back = await region.connect(replica, 'Ben again');
  await back.helloResume(ben.resumeId, { lastSeq });
  await back.expect(isOut);
  expect(back.received.slice(-frames.length)).toMatchObject(frames);
});

test('who has a ticket of a domain that moved meanwhile is told where it went', async () => {
  const ada = await region.visitor(replica, 'Ada', 'moves');
  await region.database.prisma.room.updateMany({ where: { name: 'moves' }, data: { closedAt: new Date() } });
  await directory.releaseDomain(DOMAIN, brandAs<RegionId>('eu-1'));
  await directory.claimDomain(DOMAIN, { region: brandAs<RegionId>('us-1'), epoch: 2, strictResidency: false });
  ada.send({ id: '2', type: 'room', room: { roomid: `${DOMAIN}/moves` } });
  expect(await refusalOf(ada)).toMatchObject({ code: 'wrong_region', details: THERE });
});

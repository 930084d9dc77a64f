import { request as httpRequest } from 'node:http';
import { brandAs, type RoomSessionId, type SessionId } from '@parley/domain';
import fc from 'fast-check';
import { eventually, type ScriptedSignalingClient } from '@parley/testing';
import { io } from 'socket.io-client';
import WebSocket from 'ws';
import { DOMAIN, INTERNAL_SECRET, PUBLIC_URL } from './gateway';
import { inEveryLayout, inEveryLayoutAndPolling, onTwoReplicas, overWebSocket } from './layouts';
import { expectRightTime } from './promised';
import { TalkHouse } from './talk-house';

const house = new TalkHouse({}, []);
/** One that does not wait for guests. */
const hasty = new TalkHouse({ times: { guestJoinMs: 600 } }, []);
let roomNumber = 0;
const newRoom = () => `edge-${++roomNumber}`;
const pathOf = (room: string) => `${DOMAIN}/${room}`;

inEveryLayout(hasty, () => {
  test('who says no hello in time hears bye hello_timeout', async () => {
    // A replica of its own: on a busy machine any hello may take that long.
    const hastier = await hasty.region.replica({ times: { helloMs: 400 } });
    const client = await hasty.region.connect(hastier, 'Mute');
    expect((await client.expect('bye')).bye).toEqual({ reason: 'hello_timeout' });
    await client.expectClosedForGood();
    await hasty.region.retire(hastier);
  });

  test('a guest that enters no room in time hears bye room_join_timeout, and its session is gone', async () => {
    const guest = await hasty.region.visitor(hasty.one, 'Guest', newRoom());
    expect((await guest.expect('bye')).bye).toEqual({ reason: 'room_join_timeout' });
    const again = await hasty.region.connect(hasty.two, 'Guest again');
    await expect(again.helloResume(guest.resumeId)).rejects.toThrow(/no_such_session/);
  });
});

inEveryLayoutAndPolling(house, () => {
  test('welcome comes at once, before anything is said', async () => {
    const client = await house.region.connect(house.two, 'Ada');
    const welcome = await client.expectNext('welcome');
    expect(welcome.welcome).toMatchObject({ version: expect.any(String) as string });
    expect((welcome.welcome as { features: string[] }).features).toEqual(
      expect.arrayContaining(['hello-v2', 'message-seq', 'welcome']),
    );
  });

  test('a hello of an unknown version is told so', async () => {
    const client = await house.region.connect(house.two, 'Ada');
    client.send({ id: '1', type: 'hello', hello: { version: '0.0', auth: { url: PUBLIC_URL, params: {} } } });
    expect(await client.expect('error')).toMatchObject({ id: '1', error: { code: 'invalid_hello_version' } });
    await client.hello(await house.region.ticket(house.two, newRoom()));
  });

  test('one ticket, one hello; the connection stays and takes another one', async () => {
    const login = await house.region.ticket(house.two, newRoom());
    const first = await house.region.connect(house.two, 'First');
    await first.hello(login);
    const second = await house.region.connect(house.one, 'Second');
    await expect(second.hello(login)).rejects.toThrow(/invalid_token/);
    await expect(second.hello({ ...login, ticket: 'a.b.c' })).rejects.toThrow(/invalid_token/);
    await expect(second.hello({ authUrl: 'https://other.test/', ticket: 'a.b.c' })).rejects.toThrow(/invalid_backend/);
    await second.hello(await house.region.ticket(house.two, newRoom()));
  });

  test('it opens its own room only, and what changed since it was made counts', async () => {
    const room = newRoom();
    const guest = await house.region.visitor(house.two, 'Guest', room);
    await expect(guest.join(pathOf('somewhere-else'))).rejects.toThrow(/no_such_room/);
    await expect(guest.join('no path')).rejects.toThrow(/no_such_room/);
    const { id } = (await house.region.database.prisma.room.findFirstOrThrow({ where: { name: room } })) as {
      id: string;
    };
    await house.region.database.prisma.room.update({
      where: { id },
      data: { locked: true, policyVersion: { increment: 1 } },
    });
    await expect(guest.join(pathOf(room))).rejects.toThrow(/room_locked/);
    await house.region.database.prisma.room.update({
      where: { id },
      data: { locked: false, policyVersion: { increment: 1 }, passwordVersion: { increment: 1 } },
    });
    await expect(guest.join(pathOf(room))).rejects.toThrow(/wrong_password/);
  });

  test('guessing the secret is slowed down and then not listened to, whatever replica is asked', async () => {
    const hello = { backend: PUBLIC_URL };
    for (let n = 0; n < 10; n += 1) {
      const client = await house.region.connect(n % 2 === 0 ? house.one : house.two, `guess ${n}`);
      await expect(client.helloInternal({ ...hello, secret: `guess ${n}` })).rejects.toThrow(/invalid_token/);
      client.drop();
    }
    const client = await house.region.connect(house.two, 'late');
    await expect(client.helloInternal({ ...hello, secret: INTERNAL_SECRET })).rejects.toThrow(/too_many_requests/);
  });

  /** Frames as an attacker or a broken client sends them. */
  const garbage = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.json(),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc
      .tuple(fc.constantFrom('hello', 'room', 'message', 'control', 'bye2', 'internal', 'transient'), fc.json())
      .map(([type, body]) => `{"id":"x","type":"${type}","${type}":${body}}`),
  );

  test('bad input never ends another session, nor the service', async () => {
    const room = newRoom();
    const ada = await house.region.visitor(house.two, 'Ada', room, { userId: 'ada' });
    const bob = await house.region.visitor(house.one, 'Bob', room, { userId: 'bob' });
    await ada.join(pathOf(room));
    await bob.join(pathOf(room));
    await fc.assert(
      fc.asyncProperty(fc.array(garbage, { maxLength: 20 }), fc.boolean(), async (frames, insider) => {
        const mallory = await (insider
          ? house.region.visitor(house.two, 'Mallory', room, { userId: 'mallory' })
          : house.region.connect(house.two, 'Mallory'));
        if (insider) await mallory.join(pathOf(room));
        for (const frame of frames) mallory.sendRaw(frame);
        mallory.drop();
      }),
      { numRuns: 20 },
    );
    await stillTalk(ada, bob);
  });

  test('an oversized frame costs the sender its connection, not its session', async () => {
    const ada = await house.region.visitor(house.two, 'Ada', newRoom(), { userId: 'ada' });
    ada.sendRaw(`{"type":"message","message":"${'x'.repeat(70_000)}"}`);
    expect(await ada.expectClosed()).toMatch(/^close 1009|^disconnect transport/);
    // Socket.IO has no codes; that it may come back it knows from the broken connection.
    const again = await house.region.connect(house.one, 'Ada again');
    await again.helloResume(ada.resumeId);
  });

  test('a binary frame is answered and the connection lives', async () => {
    const ada = await house.region.visitor(house.two, 'Ada', newRoom(), { userId: 'ada' });
    ada.sendRaw(Buffer.from([1, 2, 3]));
    await ada.expectError('invalid_format');
    await ada.fence();
  });
});

overWebSocket(house, () => {
  test('server and feature headers are on the upgrade, on answers and on errors; the date is right', async () => {
    for (const path of ['/api/v1/welcome', '/nothing/here']) {
      const since = Date.now();
      const answer = await fetch(`${house.two.url}${path}`);
      expect(answer.headers.get('server')).toMatch(/^nextcloud-spreed-signaling\//);
      expect(answer.headers.get('x-spreed-signaling-features')).toContain('hello-v2');
      expectRightTime(answer.headers, since);
    }
    const welcome = await fetch(`${house.two.url}/api/v1/welcome`);
    expect(await welcome.json()).toEqual({
      'nextcloud-spreed-signaling': 'Welcome',
      version: expect.any(String) as string,
    });
    const headers = await upgradeHeaders(`${house.two.url}/spreed`);
    expect(headers.server).toMatch(/^nextcloud-spreed-signaling\//);
    expect(headers['x-spreed-signaling-features']).toContain('message-seq');
  });

  test('an unknown path is 404', async () => {
    await expect(upgradeHeaders(`${house.two.url}/spreed/`)).rejects.toThrow('status 404');
  });

  test('who does not read is cut; the others do not notice', async () => {
    const room = newRoom();
    const ada = await house.region.visitor(house.two, 'Ada', room, { userId: 'ada' });
    const bob = await house.region.visitor(house.one, 'Bob', room, { userId: 'bob' });
    const { ticket, authUrl } = await house.region.ticket(house.two, room);
    for (const client of [ada, bob]) await client.join(pathOf(room));
    const sleeper = new WebSocket(`${house.two.url.replace('http', 'ws')}/spreed`);
    const closed = new Promise((resolve) => sleeper.once('close', resolve));
    let sleeping: string | undefined;
    sleeper.on('message', (data: Buffer) => {
      const { hello } = JSON.parse(data.toString('utf8')) as { hello?: { sessionid: string } };
      sleeping ??= hello?.sessionid;
    });
    await new Promise((resolve) => sleeper.once('open', resolve));
    sleeper.send(
      JSON.stringify({ type: 'hello', hello: { version: '2.0', auth: { url: authUrl, params: { token: ticket } } } }),
    );
    sleeper.send(JSON.stringify({ type: 'room', room: { roomid: pathOf(room) } }));
    await eventually(
      async () => (await house.two.live.rooms.members(await roomId(room))).length === 3,
      'three members',
    );
    const session = brandAs<SessionId>(await eventually(() => sleeping, 'the hello of the sleeper'));
    sleeper.pause();
    // Its own connection: those of former tests come to their end meanwhile.
    await eventually(
      async () => {
        for (let n = 0; n < 20; n += 1) ada.message({ type: 'room' }, 'x'.repeat(60_000));
        await ada.fence();
        return (await house.two.live.sessions.find(session))?.attached !== true;
      },
      'the sleeper to be cut',
      60_000,
    );
    sleeper.resume();
    await closed;
    await stillTalk(ada, bob);
  }, 90_000);
});

onTwoReplicas(house, () => {
  test.each(['socket.io', 'socket.io-polling'] as const)(
    '%s speaks the same envelopes, across replicas',
    async (transport) => {
      const room = newRoom();
      const ada = await house.region.visitor(house.two, 'Ada', room, { transport, userId: 'ada' });
      const bob = await house.region.visitor(house.one, 'Bob', room, { userId: 'bob' });
      await ada.join(pathOf(room));
      await bob.join(pathOf(room));
      await ada.expectJoined(bob.sessionId);
      ada.message({ type: 'session', sessionid: bob.sessionId }, { n: 1 });
      expect((await bob.expect('message')).message).toMatchObject({ data: { n: 1 } });
      bob.message({ type: 'room' }, 'to all');
      expect((await ada.expect('message')).message).toMatchObject({ data: 'to all' });
      const resumeId = ada.resumeId;
      ada.drop();
      await ada.expectClosed();
      bob.message({ type: 'session', sessionid: ada.sessionId }, 'missed');
      await bob.fence();
      const again = await house.region.connect(house.one, 'Ada again');
      await again.helloResume(resumeId);
      expect((await again.expect('message')).message).toMatchObject({ data: 'missed' });
    },
  );

  test('engine ids name the replica, so that a front door can route polling', async () => {
    const polling = `${house.two.url}/socket.io/?EIO=4&transport=polling`;
    const answer = await fetch(polling);
    const open = JSON.parse((await answer.text()).slice(1)) as { sid: string };
    const ready = (await (await fetch(`${house.two.url}/health/ready`)).json()) as { replica: string };
    expect(open.sid.startsWith(`${ready.replica}.`)).toBe(true);
    // Engine.IO would wait half a minute for the next poll.
    await fetch(`${polling}&sid=${open.sid}`, { method: 'POST', body: '1' });
  });

  test('plain Socket.IO broadcasts cross replicas', async () => {
    const socket = io(house.two.url, { transports: ['websocket'], reconnection: false, forceNew: true });
    try {
      const heard: unknown[] = [];
      socket.on('feed', (payload) => heard.push(payload));
      await eventually(() => socket.connected, 'the Socket.IO client to connect');
      await eventually(() => {
        house.one.io.emit('feed', 'hello');
        return heard.length > 0;
      }, 'the broadcast of the other replica');
    } finally {
      socket.disconnect();
    }
  });
});

async function roomId(name: string): Promise<RoomSessionId> {
  const room = await house.region.database.prisma.room.findFirstOrThrow({ where: { name, closedAt: null } });
  return brandAs<RoomSessionId>(room.id);
}

async function stillTalk(ada: ScriptedSignalingClient, bob: ScriptedSignalingClient): Promise<void> {
  ada.message({ type: 'session', sessionid: bob.sessionId }, 'still here');
  await bob.expect((frame) => (frame.message as { data?: unknown } | undefined)?.data === 'still here');
}

/** The headers of the answer to an upgrade; rejects with the status when it is refused. */
function upgradeHeaders(url: string): Promise<NodeJS.Dict<string | string[]>> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, {
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': Buffer.alloc(16).toString('base64'),
      },
    });
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve(response.headers);
    });
    request.on('response', (response) => {
      response.resume();
      reject(new Error(`status ${response.statusCode}`));
    });
    request.on('error', reject);
    request.end();
  });
}

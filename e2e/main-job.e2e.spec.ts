import { eventually, ScriptedSignalingClient, startReceiver, type Envelope, type Receiver } from '@parley/testing';
import { BackEnd, type JoinAnswer } from './back-end';
import { answerHandshakes, toldOf, untilProven } from './receiving';
import { startParley, type RunningParley } from './running-parley';
import { untilLetIn } from './standstills';

interface InitAnswer {
  readonly id: string;
  readonly type: number;
  readonly isLocked: boolean;
  readonly hostKey?: string;
}
type RoomList = Record<string, Record<string, { clients: { id: string; type: number }[] }>>;

const isMessage = (envelope: Envelope) => envelope.type === 'message';

/** What somebody else sent, in order. */
function dataOf(client: ScriptedSignalingClient): unknown[] {
  return client.received.filter(isMessage).map((envelope) => (envelope.message as { data: unknown }).data);
}

describe("Parley's main job, on the real processes", () => {
  let parley: RunningParley;
  let backEnd: BackEnd;
  let receiver: Receiver;
  const clients: ScriptedSignalingClient[] = [];

  beforeAll(async () => {
    parley = await startParley();
    backEnd = new BackEnd(parley.run);
    receiver = await startReceiver();
    answerHandshakes(receiver, parley.run.webhookKey);
  }, 300_000);

  afterAll(async () => {
    for (const client of clients) client.drop();
    await receiver?.close();
    await parley?.stop();
  }, 120_000);

  /** Enters a room with a ticket, at a replica of the test's choice. */
  function enter(name: string, gateway: number, ticketOf: () => Promise<JoinAnswer>, features: string[] = []) {
    return untilLetIn(async () => {
      const ticket = await ticketOf();
      const client = await connect(name, gateway);
      await client.hello({ authUrl: ticket.authUrl, ticket: ticket.ticket, features });
      await client.join(ticket.roomId);
      return client;
    });
  }

  /** Goes on with somebody's session. */
  function resume(
    name: string,
    { resumeId }: ScriptedSignalingClient,
    extra: Parameters<ScriptedSignalingClient['helloResume']>[1] = {},
  ) {
    return untilLetIn(async () => {
      const client = await connect(name, 0);
      await client.helloResume(resumeId, extra);
      return client;
    });
  }

  async function connect(name: string, gateway: number): Promise<ScriptedSignalingClient> {
    const url = parley.run.regions[0]?.signaling[gateway] ?? '';
    const client = await ScriptedSignalingClient.connect(url, { name });
    clients.push(client);
    return client;
  }

  async function ticketFor(room: string, options: { displayName?: string; hostKey?: string } = {}) {
    const { status, body } = await backEnd.join(room, options);
    expect({ status, code: body.code }).toEqual({ status: 200, code: undefined });
    return body;
  }

  it('carries a booked room from its booking to its end, with everybody told', async () => {
    const { domain } = parley.run;
    const room = `${domain}/board-meeting`;

    // The room is booked: a visitor cannot open it.
    const validUntil = new Date(Date.now() + 15 * 60_000).toISOString();
    await backEnd.call('booking', 'add', { domain, roomName: 'board-meeting', validUntil });
    expect(await backEnd.call('booking', 'get', { domain, roomName: 'board-meeting' })).toMatchObject({ validUntil });
    const refused = await backEnd.join(room);
    expect([refused.status, refused.body.code]).toEqual([409, 'room_booked']);

    // The webhook proves itself; then the back end opens the room, and the webhook hears of it.
    const hook = { domain, type: 'url', url: `${receiver.url}/hook`, roomName: 'board-meeting' };
    const webhook = await backEnd.call<{ id: number; validated: boolean }>('webhook', 'add', hook);
    expect(webhook).toEqual({ id: expect.any(Number) as number, validated: expect.any(Boolean) as boolean });
    await untilProven(webhook, (id) => backEnd.call('webhook', 'validate', { id }));
    const opened = await backEnd.call<InitAnswer>('room', 'init', { id: room, addHostKey: true });
    expect(opened).toEqual({ id: room, type: 1, isLocked: false, hostKey: expect.any(String) as string });
    const told = (event: string) => toldOf(receiver, 'board-meeting').find((each) => each.event === event);
    const created = await eventually(() => told('roomCreated'), 'roomCreated at the receiver', 30_000);
    expect(created).toEqual({
      id: webhook.id,
      event: 'roomCreated',
      domain,
      roomName: 'board-meeting',
      options: { type: 1, capacity: 100, isLocked: false, hostKey: opened.hostKey },
    });

    // Host and guest meet on different replicas.
    const ticketOf = async (peerType: number, options: { displayName: string; hostKey?: string }) => {
      const ticket = await ticketFor(room, options);
      expect(ticket.peerType).toBe(peerType);
      return ticket;
    };
    const { hostKey = '' } = opened;
    const host = await enter('host', 0, () => ticketOf(1, { displayName: 'Hanna', hostKey }));
    const guest = await enter('guest', 1, () => ticketOf(2, { displayName: 'Gil' }));
    await host.expectJoined(guest.sessionId);
    await guest.expectJoined(host.sessionId);

    const toGuest = { type: 'session', sessionid: guest.sessionId } as const;
    const toHost = { type: 'session', sessionid: host.sessionId } as const;
    host.message(toGuest, { type: 'offer', payload: { type: 'offer', sdp: 'v=0 host' } });
    await guest.expect(isMessage);
    guest.message(toHost, { type: 'answer', payload: { type: 'answer', sdp: 'v=0 guest' } });
    for (const n of [1, 2, 3]) guest.message(toHost, { type: 'candidate', payload: { candidate: `candidate ${n}` } });
    host.message(toGuest, { type: 'candidate', payload: { candidate: 'candidate 4' } });
    for (let n = 0; n < 4; n += 1) await host.expect(isMessage);
    await guest.expect(isMessage);
    expect(dataOf(guest)).toMatchObject([{ type: 'offer' }, { payload: { candidate: 'candidate 4' } }]);
    expect(dataOf(host)).toMatchObject([
      { type: 'answer', payload: { sdp: 'v=0 guest' } },
      ...[1, 2, 3].map((n) => ({ payload: { candidate: `candidate ${n}` } })),
    ]);

    // The back end sees both.
    const listed = await backEnd.call<RoomList>('room', 'list', { domain });
    expect(listed[domain]?.[room]?.clients).toEqual([
      { id: host.sessionId, type: 1 },
      { id: guest.sessionId, type: 2 },
    ]);

    // Kick the guest, who is told and cannot come back with what they had; the host hears them leave.
    await backEnd.call('room', 'kickOut', { id: room, peerId: guest.sessionId });
    await guest.expectClosed();
    await host.expect((envelope) => (envelope.event as { type?: string } | undefined)?.type === 'leave');
    await expect(resume('guest again', guest)).rejects.toThrow('no_such_session');

    // An occupied room stays unless it is forced; then everybody is told, the webhook too.
    expect(await backEnd.attempt('room', 'destroy', { id: room })).toEqual({
      isError: false,
      errMsg: null,
      data: false,
    });
    expect(await backEnd.call('room', 'destroy', { id: room, forceKick: true })).toBe(true);
    await host.expect((envelope) => (envelope.room as { roomid?: string } | undefined)?.roomid === '');
    const removed = await eventually(() => told('roomRemoved'), 'roomRemoved at the receiver', 30_000);
    expect(removed).toEqual({ id: webhook.id, event: 'roomRemoved', domain, roomName: 'board-meeting' });
    expect(await backEnd.call<RoomList>('room', 'list', { domain })).toEqual({ [domain]: {} });
  }, 180_000);

  it('lets people in through the front door, by WebSocket and by Socket.IO polling', async () => {
    const room = `${parley.run.domain}/lobby`;
    await backEnd.call('room', 'init', { id: room });
    const comeIn = (name: string, transport: 'websocket' | 'socket.io-polling') =>
      untilLetIn(async () => {
        const { signalingUrl, authUrl, ticket, roomId } = await ticketFor(room, { displayName: name });
        expect(signalingUrl).toBe(`${parley.run.url.replace('http', 'ws')}/spreed`);
        const url = transport === 'websocket' ? signalingUrl : parley.run.url;
        const client = await ScriptedSignalingClient.connect(url, { name, transport });
        clients.push(client);
        // At once: nobody has more than 2 s for it.
        await client.hello({ authUrl, ticket });
        await client.join(roomId);
        return client;
      });
    const ada = await comeIn('Ada', 'websocket');
    const bob = await comeIn('Bob', 'socket.io-polling');
    await ada.expectJoined(bob.sessionId);
    bob.message({ type: 'room' }, { hello: 'Ada' });
    await ada.expect(isMessage);
    await ada.bye();
    await bob.expect((envelope) => (envelope.event as { type?: string } | undefined)?.type === 'leave');
    await bob.bye();
    expect(await backEnd.call('room', 'destroy', { id: room })).toBe(true);
  });

  it('survives kill -9 of a replica in the middle: exactly once with message-seq, in order for everybody', async () => {
    const room = `${parley.run.domain}/survivors`;
    await backEnd.call('room', 'init', { id: room });
    const steady = await enter('steady', 0, () => ticketFor(room));
    const counting = await enter('counting', 1, () => ticketFor(room), ['message-seq']);
    const plain = await enter('plain', 1, () => ticketFor(room));
    await steady.expectJoined(counting.sessionId);
    await steady.expectJoined(plain.sessionId);

    const send = (from: number, to: number) => {
      for (let n = from; n <= to; n += 1) {
        for (const { sessionId } of [counting, plain]) steady.message({ type: 'session', sessionid: sessionId }, { n });
        steady.message({ type: 'room' }, { room: n });
      }
    };
    send(1, 20);
    await counting.expect((envelope) => (envelope.message as { data?: { room?: number } })?.data?.room === 20);
    await plain.expect((envelope) => (envelope.message as { data?: { room?: number } })?.data?.room === 20);

    // The replica dies without a word while messages for its sessions keep coming.
    const victim = (await parley.reread()).pids.signaling?.[1];
    process.kill(victim ?? -1, 'SIGKILL');
    await Promise.all([counting.expectClosed(), plain.expectClosed()]);
    // Nothing comes any more; before, messages to the session may have come behind those to the room.
    const lastSeq = counting.received.filter((envelope) => envelope.seq !== undefined).at(-1)?.seq ?? null;
    send(21, 40);
    await steady.fence();

    const countingAgain = await resume('counting, resumed', counting, { lastSeq });
    const plainAgain = await resume('plain, resumed', plain);
    send(41, 50);
    for (const client of [countingAgain, plainAgain]) {
      await client.expect((envelope) => (envelope.message as { data?: { room?: number } })?.data?.room === 50, 30_000);
      await client.expect((envelope) => (envelope.message as { data?: { n?: number } })?.data?.n === 50, 30_000);
    }

    const numbers = (client: ScriptedSignalingClient, key: 'n' | 'room') =>
      dataOf(client)
        .map((data) => (data as Record<string, number>)[key])
        .filter((value) => value !== undefined);
    const oneToFifty = Array.from({ length: 50 }, (_, index) => index + 1);
    for (const key of ['n', 'room'] as const) {
      // With message-seq: what came before and after the death, put together, is everything once and in order.
      expect([...numbers(counting, key), ...numbers(countingAgain, key)]).toEqual(oneToFifty);
      // Without: nothing is missing and the order holds; what was not checkpointed may come a second time.
      const replayed = numbers(plainAgain, key);
      const [first = 0] = replayed;
      expect(first).toBeLessThanOrEqual(21);
      expect(replayed).toEqual(oneToFifty.slice(first - 1));
    }
    await backEnd.call('room', 'destroy', { id: room, forceKick: true });
  }, 180_000);
});

import { eventually, ScriptedSignalingClient, startReceiver, type Envelope, type Receiver } from '@parley/testing';
import { Redis } from 'ioredis';
import { BackEnd } from './back-end';
import { answerHandshakes, idsOf, toldOf, untilProven } from './receiving';
import { startParley, type RunningParley } from './running-parley';
import { untilLetIn } from './standstills';

const NAMES = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`);

const AGREED_MS = 15_000;

describe('Parley when its servers fail', () => {
  let parley: RunningParley;
  let backEnd: BackEnd;
  let receiver: Receiver;
  const clients: ScriptedSignalingClient[] = [];

  beforeAll(async () => {
    parley = await startParley();
    backEnd = new BackEnd(parley.run);
    receiver = await startReceiver();
    // Slow enough for deliveries to be under way when something is killed.
    answerHandshakes(receiver, parley.run.webhookKey, 20);
    const hook = { domain: parley.run.domain, type: 'url', url: `${receiver.url}/hook` };
    const added = await backEnd.call<{ id: number; validated: boolean }>('webhook', 'add', hook);
    await untilProven(added, (id) => backEnd.call('webhook', 'validate', { id }));
  }, 300_000);

  afterAll(async () => {
    for (const client of clients) client.drop();
    await receiver?.close();
    await parley?.stop();
  }, 120_000);

  function enter(name: string, gateway: number, room: string): Promise<ScriptedSignalingClient> {
    return untilLetIn(async () => {
      const { body } = await backEnd.join(room, { displayName: name });
      const client = await ScriptedSignalingClient.connect(parley.run.regions[0]?.signaling[gateway] ?? '', { name });
      clients.push(client);
      await client.hello({ authUrl: body.authUrl, ticket: body.ticket });
      await client.join(body.roomId);
      return client;
    });
  }

  /** Opens a room; a refusal because Redis is away is tried again, as a back end would. */
  async function open(name: string): Promise<void> {
    const id = `${parley.run.domain}/${name}`;
    await eventually(
      async () => !(await backEnd.attempt('room', 'init', { id })).isError,
      `${name} to be opened`,
      60_000,
    );
  }

  let killed = 0;

  /** Kills the dispatcher that runs now; one that was killed before must have been replaced. */
  async function killDispatcher(): Promise<void> {
    const pid = await eventually(
      async () => {
        const [running] = (await parley.reread()).pids.webhooks ?? [];
        return running === killed ? undefined : running;
      },
      'a dispatcher in the place of the one that was killed',
      90_000,
    );
    killed = pid;
    process.kill(pid, 'SIGKILL');
  }

  /** Waits until each of these rooms was told of. */
  async function everythingTold(names: readonly string[]): Promise<void> {
    const missing = () => names.filter((name) => toldOf(receiver, name).length === 0);
    await eventually(
      () => missing().length === 0,
      async () => `the webhook to hear of ${missing().join(', ')}; the dispatcher: ${await parley.log('webhooks')}`,
      120_000,
    );
  }

  /** Opens ten rooms and kills the dispatcher when it has told of the first: others are under way, queued or in the outbox. */
  async function killAmidst(names: readonly string[]): Promise<void> {
    const opening = async (): Promise<void> => {
      for (const name of names) await open(name);
    };
    const killing = async (): Promise<void> => {
      await eventually(
        () => names.some((name) => toldOf(receiver, name).length > 0),
        async () =>
          `the webhook to hear of one of ${names.join(', ')}; the dispatcher: ${await parley.log('webhooks')}`,
        120_000,
      );
      await killDispatcher();
    };
    await Promise.all([opening(), killing()]);
  }

  it('loses no webhook event when the dispatcher is killed again and again', async () => {
    const batches = [1, 2, 3].map((batch) => NAMES(`dispatched-${batch}`, 10));
    for (const names of batches) await killAmidst(names);
    const names = batches.flat();
    await everythingTold(names);
    for (const name of names) {
      const told = toldOf(receiver, name);
      expect(told[0]).toMatchObject({ event: 'roomCreated' });
      // What was under way when a dispatcher died is told again, under the same id, so that it can be known again.
      expect(told.length).toBeLessThanOrEqual(1 + batches.length);
      expect(idsOf(receiver, name).size).toBe(1);
    }
  }, 600_000);

  it('agrees again within 15 s after Redis lost everything, and loses no webhook event', async () => {
    const room = `${parley.run.domain}/flushed`;
    await open('flushed');
    const ann = await enter('Ann', 0, room);
    const ben = await enter('Ben', 1, room);
    await ann.expectJoined(ben.sessionId);

    const before = NAMES('before', 10);
    const after = NAMES('after', 10);
    const redis = new Redis(parley.run.redisUrl);
    const opening = Promise.all(before.map(open));
    await redis.flushall();
    redis.disconnect();
    await Promise.all([opening, ...after.map(open)]);

    // Messages pass again, in both directions, between the replicas.
    const reached = async (from: ScriptedSignalingClient, to: ScriptedSignalingClient, mark: string) => {
      const isMark = (envelope: Envelope) => (envelope.message as { data?: unknown } | undefined)?.data === mark;
      await eventually(
        () => {
          from.message({ type: 'session', sessionid: to.sessionId }, mark);
          return to.received.some(isMark);
        },
        `${mark} to arrive`,
        AGREED_MS,
      );
    };
    await Promise.all([reached(ann, ben, 'from Ann'), reached(ben, ann, 'from Ben')]);
    // A newcomer and the back end see both.
    await eventually(
      async () => {
        const list = await backEnd.call<Record<string, Record<string, { clients: { id: string }[] }>>>('room', 'list', {
          domain: parley.run.domain,
        });
        const ids = list[parley.run.domain]?.[room]?.clients.map(({ id }) => id) ?? [];
        return ids.includes(ann.sessionId) && ids.includes(ben.sessionId);
      },
      'the list to show both again',
      AGREED_MS,
    );
    const newcomer = await enter('Cleo', 0, room);
    await newcomer.expectJoined(ann.sessionId, ben.sessionId);
    await ann.expectJoined(newcomer.sessionId);
    await ben.expectJoined(newcomer.sessionId);

    await everythingTold([...before, ...after]);
  }, 400_000);
});

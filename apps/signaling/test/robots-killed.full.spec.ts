import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { eventually, ScriptedSignalingClient, temporaryFolder } from '@parley/testing';
import { GatewayProcess } from './faults/gateway-process';
import { acknowledge, RobotHouse, toldSoFar } from './robot-house';

// Real processes, so the time to acknowledge is the real one: 30 s.
const REDELIVERY_MS = 75_000;
const COUNT = 60;
const house = new RobotHouse();
const folder = temporaryFolder('parley-robots');
const gateways: GatewayProcess[] = [];

beforeAll(async () => {
  // What runs is what was built: never something older than the sources.
  execFileSync(process.execPath, [join(__dirname, '..', '..', '..', 'tools', 'build.mjs')]);
  // With a replica of this process, which is there for its rules alone.
  await house.arrange({ replicas: 1, transport: 'websocket' });
  for (const name of ['a', 'b']) {
    const env = { NODE_ENV: 'production', LOG_LEVEL: 'warn', ...house.region.environment, REPLICA_NAME: `gw-${name}` };
    gateways.push(await GatewayProcess.start(env, join(folder.path, `gateway-${name}.log`)));
  }
}, 300_000);

afterAll(async () => {
  for (const gateway of gateways) await gateway.kill();
  await house.close();
  folder.remove();
});

test('the replica that holds deliveries is killed: all of them are acknowledged once, in the order of each room', async () => {
  const kept = await house.robot({ order: 'fifo' });
  const letIn = async (at: number) => {
    const login = await house.ticket(kept);
    const client = await ScriptedSignalingClient.connect(gateways[at]?.url ?? '', { name: `robot ${at}` });
    await client.hello(login);
    return client;
  };
  // The gateways wait two seconds for a hello: who stands still for longer comes again.
  const connect = (at: number) => eventually(() => letIn(at), `robot ${at} to be let in`, 30_000);
  const doomed = await connect(0);
  const ids: string[] = [];
  for (let n = 0; n < COUNT; n += 1) ids.push(...(await house.deliver(kept, 1, `room-${n % 6}`)));
  await eventually(
    () => new Set(toldSoFar(doomed)).size === 6,
    () => `the first of each room, not ${toldSoFar(doomed).join(', ')}`,
  );
  await gateways[0]?.kill();
  await doomed.expectClosed();

  const done: string[] = [];
  const survivor = await connect(1);
  await eventually(
    async () => {
      for (const id of toldSoFar(survivor).slice(done.length)) {
        acknowledge(survivor, id);
        done.push(id);
      }
      const left = { id: { in: ids }, state: { not: 'delivered' as const } };
      return (await house.prisma.webhookDelivery.count({ where: left })) === 0;
    },
    () => `all to be acknowledged; told so far: ${done.join(', ')}; the gateway says: ${gateways[1]?.log ?? ''}`,
    REDELIVERY_MS,
  );
  expect([...done].sort()).toEqual([...ids].sort());
  for (let room = 0; room < 6; room += 1) {
    const ofRoom = ids.filter((_id, index) => index % 6 === room);
    expect(done.filter((id) => ofRoom.includes(id))).toEqual(ofRoom);
  }
  survivor.drop();
}, 200_000);

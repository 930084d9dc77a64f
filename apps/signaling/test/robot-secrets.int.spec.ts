import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { brandAs, type AccountId, type RoomName } from '@parley/domain';
import { OutboxRelayStore } from '@parley/persistence';
import { eventually } from '@parley/testing';
import { DOMAIN } from './gateway';
import { inEveryLayout } from './layouts';
import { nextOf, RobotHouse } from './robot-house';

const house = new RobotHouse();

/**
 * Everything that Redis is told, scripts and their arguments included. On a bare connection: ioredis' own monitor breaks
 * when figures come in one piece with the answer to its first command.
 */
async function wiretap(url: string) {
  const { hostname, port, password } = new URL(url);
  const socket = connect(Number(port), hostname);
  let said = '';
  socket.setEncoding('utf8').on('data', (text: string) => (said += text));
  if (password !== '') socket.write(`AUTH ${password}\r\n`);
  socket.write('MONITOR\r\n');
  await eventually(() => said.includes('+OK\r\n'), 'Redis to begin');
  return { lines: () => said.split('\r\n'), close: () => socket.destroy() };
}

inEveryLayout(house, () => {
  test('what a robot is told of a room passes through Redis without its password and host key', async () => {
    const relay = new OutboxRelayStore(house.prisma);
    await relay.relay(1_000);
    const kept = await house.robot();
    const robot = await house.connected(kept);
    const password = randomBytes(12).toString('hex');
    const name = brandAs<RoomName>(`secret-${kept.robot.id}`);
    const { account } = await house.prisma.domain.findFirstOrThrow({ include: { account: true } });
    const tap = await wiretap(house.region.redis.url);
    try {
      const opening = { domain: DOMAIN, name, addHostKey: true, password };
      await house.region.rules(house.two).rooms.init(brandAs<AccountId>(account.id), opening);
      await relay.relay(1_000);
      await house.ring();
      const told = await nextOf(robot);
      const { hostKey } = told.options as { hostKey: string };
      expect(told).toMatchObject({ event: 'roomCreated', options: { password } });
      await eventually(() => tap.lines().some((text) => text.includes(told.id)), 'Redis to be told of the delivery');
      expect(tap.lines().filter((text) => text.includes(password) || text.includes(hostKey))).toEqual([]);
    } finally {
      tap.close();
      await house.prisma.webhook.update({ where: { id: BigInt(kept.webhook) }, data: { removedAt: new Date() } });
    }
  });
});

import { createHmac } from 'node:crypto';
import { createWebhookSecret, cryptoIds } from '@parley/domain';
import { eventually } from '@parley/testing';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { fetch } from 'undici';
import { receiverAddress, startReadmeReceiver, startToolReceiver, type ReceiverProcess } from './receiver-processes';
import { useWorld, WEBHOOK_KEY } from './world';

// The receivers are those that the README shows, and that of the first minute, as processes; the deliveries are real.

const world = useWorld();
const running: ReceiverProcess[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((receiver) => receiver.close()));
});

const webhookKey = WEBHOOK_KEY;
const kept = async <Kind extends ReceiverProcess>(starting: Promise<Kind>): Promise<Kind> => {
  const receiver = await starting;
  running.push(receiver);
  return receiver;
};

async function fourReceivers() {
  const domain = await world().domain();
  const [library, own, legacy, tool] = [
    await receiverAddress(),
    await receiverAddress(),
    await receiverAddress(),
    await receiverAddress(),
  ];
  const add = ({ url }: { url: string }) => world().webhook(domain, url, { validated: false });
  const ownId = await add(own);
  const ids = [ownId, await add(library), await add(legacy), await add(tool)];
  const secret = await world().database.uow.run((stores) => createWebhookSecret(stores, cryptoIds, ownId, new Date()));
  return {
    domain,
    ids,
    receivers: {
      library: await kept(startReadmeReceiver('library', { port: library.port, webhookKey })),
      own: await kept(startReadmeReceiver('library', { port: own.port, webhookKey, secret })),
      legacy: await kept(startReadmeReceiver('legacy', { port: legacy.port, webhookKey })),
      tool: await kept(startToolReceiver({ port: tool.port, webhookKey })),
    },
  };
}

/** The attacker's only tool: receivers sign any text with the webhook key when it is sent as a handshake. */
async function letSign(oracle: ReceiverProcess, signThis: string): Promise<Buffer> {
  const response = await fetch(oracle.url, { method: 'POST', body: JSON.stringify({ event: 'validation', signThis }) });
  expect(response.status).toBe(200);
  return Buffer.from(await response.text(), 'hex');
}

describe('a receiver as the README shows', () => {
  test('passes the handshake and takes what Parley delivers for genuine', async () => {
    const { domain, ids, receivers } = await fourReceivers();
    await world().dispatcher();
    for (const id of ids)
      await eventually(async () => (await world().webhookRow(id)).validated, `${id} to be validated`);
    await world().openRoom(domain, 'genuine');
    for (const id of ids) await world().waitForDeliveries(id, 'delivered', 1);
    for (const [name, receiver] of Object.entries(receivers)) {
      await eventually(
        () => /genuine/.test(receiver.output()),
        () => `${name} to print the event; it printed: ${receiver.output()}`,
      );
    }
    const lines = receivers.tool.output().split('\n');
    expect(lines.filter((line) => /^\d\d:\d\d:\d\d {2}verified {6}asked to prove/.test(line))).toHaveLength(1);
    expect(lines.filter((line) => /^\d\d:\d\d:\d\d {2}verified {6}roomCreated {2}.*\/genuine/.test(line))).toHaveLength(
      1,
    );
  });

  test('refuses what an attacker forges with signatures that the handshake gave away', async () => {
    const { domain, receivers } = await fourReceivers();
    const body = JSON.stringify({ id: 1, event: 'roomRemoved', domain, roomName: 'forged' });
    const [id, timestamp] = ['dlv_forged', Math.floor(Date.now() / 1_000).toString()];
    const bodySignature = await letSign(receivers.legacy, body);
    const messageSignature = await letSign(receivers.legacy, `${id}.${timestamp}.${body}`);
    const headers = {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${messageSignature.toString('base64')}`,
      'x-webhook-key': bodySignature.toString('hex'),
    };
    // The attack is a real one: whoever checks with the webhook key itself falls for it.
    expect(bodySignature).toEqual(createHmac('sha256', webhookKey).update(body).digest());
    expect(new StandardWebhook(Buffer.from(webhookKey), { format: 'raw' }).verify(body, headers)).toBeTruthy();

    for (const [name, receiver] of Object.entries(receivers)) {
      const response = await fetch(receiver.url, { method: 'POST', headers, body });
      expect([name, response.status]).toEqual([name, 401]);
    }
    for (const name of ['library', 'own', 'legacy'] as const) expect(receivers[name].output()).not.toMatch(/forged/);
    await eventually(
      () => /NOT VERIFIED {2}refused, because its signature is of another key/.test(receivers.tool.output()),
      () => `the receiver of the first minute to say why; it printed: ${receivers.tool.output()}`,
    );
  });

  test('with the library, and that of the first minute, sign nothing for strangers either', async () => {
    const { receivers } = await fourReceivers();
    const body = JSON.stringify({ event: 'validation', signThis: 'mine' });
    for (const receiver of [receivers.library, receivers.own, receivers.tool]) {
      expect((await fetch(receiver.url, { method: 'POST', body })).status).toBe(401);
    }
  });
});

import { randomBytes } from 'node:crypto';
import { eventually, queryDatabase, startReceiver, type Receiver } from '@parley/testing';
import { answerHandshakes, toldOf, untilProven } from './receiving';
import { ask, parsed, signed, type Subject, xroom } from './residency-calls';
import { untilServed } from './standstills';
import type { TwoRegions } from './two-regions';

/** What the first calls use that only later ones need. */
const NOTHING_YET = {
  webhook: 0,
  spareWebhooks: [0, 0],
  delivery: '',
  robot: 0,
  spareRobot: 0,
  connectKey: '',
  key: '',
} as const;

/** A domain of eu-1 with something of everything in it. */
export interface Settled {
  readonly subject: Subject;
  /** What was made up for it and nobody elsewhere is to see. */
  readonly secrets: readonly string[];
  /** Knows its webhook key. */
  readonly receiver: Receiver;
}

/** Makes a domain of the demo account in eu-1, and something of everything in it. */
export async function settle(
  world: TwoRegions,
  { name, tag, isStrict }: { readonly name: string; readonly tag: string; readonly isStrict: boolean },
): Promise<Settled> {
  const { eu, demo } = world;
  const [domain, host] = [`${name}.localhost`, `rooms.${name}.example`];
  const settings = { name: domain, account: 'demo', strictResidency: isStrict, hosts: [host] };
  const webhookKey = String((await eu.admin('POST', 'domains', settings)).webhookKey);
  // As the demo domain may, so that its receiver can run here.
  await queryDatabase(eu.run.postgresUrl, 'UPDATE "Domain" SET "insecureWebhooks" = true WHERE name = $1', [domain]);
  const receiver = await startReceiver();
  answerHandshakes(receiver, webhookKey);
  const start: Subject = { domain, host, tag, account: demo, receiverUrl: receiver.url, ...NOTHING_YET };
  const xroomCall = async (call: string, data: object) =>
    parsed(await untilServed(() => ask(eu.door, xroom(start, call, data)))).data as Record<string, unknown>;
  const rest = async (path: string, data: object) =>
    parsed(await untilServed(() => ask(eu.door, signed(start, 'POST', path, data))));
  const added = await xroomCall('webhook/add', { domain, type: 'url', url: `${receiver.url}/${tag}-hook` });
  await untilProven(added as unknown as Parameters<typeof untilProven>[0], (id) =>
    xroomCall('webhook/validate', { id }),
  );
  const robot = await rest('/v1/robots', { domain, name: `${tag}-robot` });
  // The account's, which is known in all its regions, name and all.
  const { key } = await rest('/v1/keys', { name: randomBytes(6).toString('hex') });
  const room = { id: `${domain}/${tag}-room`, key: `${tag}-password`, addHostKey: true };
  const { hostKey } = await xroomCall('room/init', room);
  await eventually(() => toldOf(receiver, `${tag}-room`)[0], `roomCreated at the receiver of ${domain}`, 60_000);
  const path = `/v1/webhooks/${String(added.id)}/deliveries`;
  const log = await untilServed(() => ask(eu.door, signed(start, 'GET', path)));
  const [delivery] = parsed(log).deliveries as { id: string }[];
  const connectKey = String(robot.connectKey);
  const made = { webhook: Number(added.id), delivery: delivery?.id ?? '', robot: Number(robot.robotId) };
  return {
    subject: await renewed(world, { ...start, ...made, connectKey, key: String(key) }),
    secrets: [String(hostKey), connectKey, webhookKey],
    receiver,
  };
}

/** With what calls use up made anew. */
export async function renewed({ eu }: TwoRegions, subject: Subject): Promise<Subject> {
  const { domain, tag, receiverUrl } = subject;
  const make = async (path: string, data: object) =>
    parsed(await untilServed(() => ask(eu.door, signed(subject, 'POST', path, data))));
  const hook = { domain, type: 'url', url: `${receiverUrl}/${tag}-spare` };
  const [one, other] = [await make('/v1/webhooks', hook), await make('/v1/webhooks', hook)];
  const robot = await make('/v1/robots', { domain, name: `${tag}-spare` });
  const spareWebhooks = [Number(one.id), Number(other.id)] as const;
  return { ...subject, spareWebhooks, spareRobot: Number(robot.robotId) };
}

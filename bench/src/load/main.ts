import { Crowd } from './crowd';
import { takeOrders } from '../servers/ordered-process';
import { startFakeNextcloud } from './fake-nextcloud';
import type { Answer, Order, Ready } from './orders';
import { Traffic } from './traffic';

type Fine = Extract<Answer, { ok: true }>;

/** The load process: clients and their Nextcloud. Takes one order after the other from its parent. */
async function main(): Promise<void> {
  const nextcloud = await startFakeNextcloud();
  const crowd = new Crowd();
  let traffic: Traffic | undefined;
  const carryOut = async (order: Order): Promise<Fine> => {
    switch (order.kind) {
      case 'connect':
        await crowd.connect(order);
        return { ok: true };
      case 'join':
        await crowd.join(order.roomSize);
        return { ok: true };
      case 'disconnect':
        await crowd.disconnect(order.count);
        return { ok: true };
      case 'start':
        traffic = new Traffic(crowd.lanes(order.load.scenario), order.load);
        traffic.start();
        return { ok: true };
      case 'mark':
        traffic?.mark();
        return { ok: true };
      case 'read':
        return { ok: true, ...(traffic ? { counted: traffic.read() } : {}) };
      case 'stop':
        return { ok: true, undelivered: (await traffic?.stop()) ?? 0 };
    }
  };
  takeOrders({ backendUrl: nextcloud.url } satisfies Ready, carryOut);
}

void main();

import { departuresSuite } from './departures';
import { dialoguesSuite } from './dialogues';
import { guardsSuite } from './guards';
import { outagesSuite } from './outages';
import { peersSuite } from './peers';
import { racesSuite } from './races';
import { roomEndsSuite } from './room-ends';
import { requestsSuite } from './requests';
import { roomsSuite } from './rooms';
import { sessionsSuite } from './sessions';
import { asksSuite } from './asks';
import { roomStateSuite } from './room-state';
import { tenantsSuite } from './tenants';
import { transientSuite } from './transient';
import { virtualsSuite } from './virtuals';
import type { Backend } from './world';

/**
 * The contract of the live layer, run on every implementation.
 * @param runs how many random dialogues are tried
 */
export function conformance(name: string, start: () => Promise<Backend>, runs = 10): void {
  describe(`live on ${name}`, () => {
    let backend: Backend;
    beforeAll(async () => {
      backend = await start();
    }, 60_000);
    afterAll(() => backend.close());
    sessionsSuite(() => backend);
    requestsSuite(() => backend);
    roomsSuite(() => backend);
    roomEndsSuite(() => backend);
    peersSuite(() => backend);
    departuresSuite(() => backend);
    outagesSuite(() => backend);
    racesSuite(() => backend);
    guardsSuite(() => backend);
    tenantsSuite(() => backend);
    roomStateSuite(() => backend);
    transientSuite(() => backend);
    virtualsSuite(() => backend);
    asksSuite(() => backend);
    dialoguesSuite(() => backend, runs);
  });
}

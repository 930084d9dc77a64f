import { guardsSuite } from './guards';
import { outagesSuite } from './outages';
import { roomsSuite } from './rooms';
import { sessionsSuite } from './sessions';
import type { Backend } from './world';

/** The contract of the live layer, run on every implementation. */
export function conformance(name: string, start: () => Promise<Backend>): void {
  describe(`live on ${name}`, () => {
    let backend: Backend;
    beforeAll(async () => {
      backend = await start();
    }, 60_000);
    afterAll(() => backend.close());
    sessionsSuite(() => backend);
    roomsSuite(() => backend);
    outagesSuite(() => backend);
    guardsSuite(() => backend);
  });
}

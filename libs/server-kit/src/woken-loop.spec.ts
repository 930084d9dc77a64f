import { WokenLoop } from './woken-loop';

/** Runs that the test lets go one by one. */
function gated() {
  const gates: ((more: boolean) => void)[] = [];
  const started: (() => void)[] = [];
  let runs = 0;
  return {
    run: () =>
      new Promise<boolean>((resolve) => {
        runs += 1;
        gates.push(resolve);
        started.shift()?.();
      }),
    runs: () => runs,
    finish: (more = false) => gates.shift()?.(more),
    begins: () => new Promise<void>((resolve) => started.push(resolve)),
  };
}

const everyMs = 3_600_000;
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('WokenLoop', () => {
  test('does not overlap, and runs once more for any number of wake-ups in between', async () => {
    const work = gated();
    const loop = new WokenLoop({ name: 'x', everyMs, run: work.run, logger: { error: jest.fn() } });
    loop.wake();
    loop.wake();
    loop.wake();
    expect(work.runs()).toBe(1);
    const second = work.begins();
    work.finish();
    await second;
    expect(work.runs()).toBe(2);
    work.finish();
    await settled();
    expect(work.runs()).toBe(2);
    await loop.close();
  });

  test('goes on at once while there is more', async () => {
    const work = gated();
    const loop = new WokenLoop({ name: 'x', everyMs, run: work.run, logger: { error: jest.fn() } });
    loop.wake();
    const second = work.begins();
    work.finish(true);
    await second;
    work.finish();
    await loop.close();
    expect(work.runs()).toBe(2);
  });

  test('logs a failure and runs again after the pause', async () => {
    const error = jest.fn();
    let runs = 0;
    let over = (): void => undefined;
    const third = new Promise<void>((resolve) => (over = resolve));
    const run = async (): Promise<boolean> => {
      runs += 1;
      if (runs === 3) over();
      if (runs < 3) throw new Error('no luck');
      return false;
    };
    const loop = new WokenLoop({ name: 'x', everyMs: 1, run, logger: { error } });
    loop.wake();
    await third;
    await loop.close();
    expect(error).toHaveBeenCalledTimes(2);
  });

  test('waits for the run under way when it is closed, and starts no other', async () => {
    const work = gated();
    const loop = new WokenLoop({ name: 'x', everyMs: 1, run: work.run, logger: { error: jest.fn() } });
    loop.wake();
    loop.wake();
    const closing = loop.close();
    work.finish(true);
    await closing;
    loop.wake();
    expect(work.runs()).toBe(1);
  });
});

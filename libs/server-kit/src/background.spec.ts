import { every } from './index';

const logger = () => {
  const lines: unknown[] = [];
  return { lines, error: (fields: unknown) => void lines.push(fields) };
};

describe('every', () => {
  it('never overlaps, goes on after a failure, and close waits for the run under way', async () => {
    const log = logger();
    let active = 0;
    let most = 0;
    let runs = 0;
    let thirdRun: () => void = () => undefined;
    const third = new Promise<void>((resolve) => (thirdRun = resolve));
    const loop = every(
      'test',
      1,
      async () => {
        active += 1;
        most = Math.max(most, active);
        await new Promise((resolve) => setTimeout(resolve, 5));
        active -= 1;
        runs += 1;
        if (runs === 3) thirdRun();
        if (runs === 1) throw new Error('boom');
      },
      log,
    );
    await third;
    await loop.close();
    const after = runs;
    expect({ most, active }).toEqual({ most: 1, active: 0 });
    expect(log.lines).toEqual([{ err: new Error('boom'), loop: 'test' }]);
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(runs).toBe(after);
  });

  it('tells the work under way that it is over', async () => {
    const log = logger();
    let started: () => void = () => undefined;
    const running = new Promise<void>((resolve) => (started = resolve));
    const loop = every(
      'test',
      1,
      (signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted')));
          started();
        }),
      log,
    );
    await running;
    await loop.close();
    expect(log.lines).toEqual([]);
  });
});

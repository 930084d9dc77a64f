import { readFile } from 'node:fs/promises';
import { Deadlines } from './deadlines';

const MS = 1_000;
let deadlines: Deadlines;
beforeEach(() => (deadlines = new Deadlines(MS)));
afterEach(() => deadlines.close());

/** Does nothing, and lets nothing be done. */
function standStill(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until;);
}

test('what is answered is answered, what fails fails', async () => {
  await expect(deadlines.hold(Promise.resolve('yes'))).resolves.toBe('yes');
  await expect(deadlines.hold(Promise.reject(new Error('no')))).rejects.toThrow('no');
});

test('what is not answered is given up after that time and not before, whatever else was answered', async () => {
  jest.useFakeTimers();
  try {
    deadlines = new Deadlines(MS);
    const fates: string[] = [];
    const awaited = [false, true, false, true, false].map((isAnswered, n) =>
      deadlines.hold(isAnswered ? Promise.resolve() : new Promise<void>(() => undefined)).then(
        () => fates.push(`${n} answered`),
        () => fates.push(`${n} given up`),
      ),
    );
    await jest.advanceTimersByTimeAsync(MS);
    expect(fates).toEqual(['1 answered', '3 answered']);
    await jest.advanceTimersByTimeAsync(MS / 8);
    expect(fates).toEqual(['1 answered', '3 answered', '0 given up', '2 given up', '4 given up']);
    await Promise.all(awaited);
  } finally {
    deadlines.close();
    jest.useRealTimers();
  }
});

test('who is given up and answers later harms nobody', async () => {
  let answer: (value: string) => void = () => undefined;
  const late = new Promise<string>((resolve) => (answer = resolve));
  await expect(deadlines.hold(late)).rejects.toThrow('in time');
  const next = deadlines.hold(Promise.resolve('next'));
  answer('late');
  await expect(next).resolves.toBe('next');
});

test('who still waits at the end waits no longer', async () => {
  const answer = deadlines.hold(new Promise(() => undefined));
  deadlines.close();
  await expect(answer).rejects.toThrow('in time');
  await expect(deadlines.hold(new Promise(() => undefined))).rejects.toThrow('in time');
});

test('what came while this process stood still has come in time', async () => {
  const answer = deadlines.hold(readFile(__filename, 'utf8'));
  standStill(2 * MS);
  await expect(answer).resolves.toContain('standStill');
});

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

test('what is not answered is given up in time, not before, whatever else was answered', async () => {
  const began = performance.now();
  const answers = [1, 2, 3, 4].map((n) =>
    deadlines.hold(n % 2 === 0 ? Promise.resolve(n) : new Promise(() => undefined)),
  );
  const outcomes = await Promise.allSettled(answers);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled']);
  // An interval may come a millisecond early each time.
  expect(performance.now() - began).toBeGreaterThan(MS - 20);
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
});

test('what came while this process stood still has come in time', async () => {
  const answer = deadlines.hold(readFile(__filename, 'utf8'));
  standStill(2 * MS);
  await expect(answer).resolves.toContain('standStill');
});

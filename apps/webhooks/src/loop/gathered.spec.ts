import { Gathered } from './gathered';

describe('what is asked at the same time', () => {
  test('goes together, as does what comes while an answer is awaited', async () => {
    const batches: number[][] = [];
    const answers: (() => void)[] = [];
    const gathered = new Gathered(async (items: readonly number[]) => {
      batches.push([...items]);
      await new Promise<void>((resolve) => answers.push(resolve));
      return items.map((item) => item * 10);
    });
    const first = [1, 2].map((item) => gathered.run(item));
    await new Promise((resolve) => setImmediate(resolve));
    const second = [3, 4, 5].map((item) => gathered.run(item));
    await new Promise((resolve) => setImmediate(resolve));
    expect(batches).toEqual([[1, 2]]);
    answers.shift()?.();
    expect(await Promise.all(first)).toEqual([10, 20]);
    await new Promise((resolve) => setImmediate(resolve));
    answers.shift()?.();
    expect(await Promise.all(second)).toEqual([30, 40, 50]);
    expect(batches).toEqual([
      [1, 2],
      [3, 4, 5],
    ]);
  });

  test('is tried alone when one of them is refused, so that only that one fails', async () => {
    const together = jest.fn(async (items: readonly number[]) => {
      if (items.includes(2)) throw new Error('two');
      return items;
    });
    const gathered = new Gathered(together);
    const outcomes = await Promise.allSettled([1, 2, 3].map((item) => gathered.run(item)));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(together).toHaveBeenCalledTimes(4);
  });

  test('fails together when the database is away', async () => {
    const together = jest.fn(() => Promise.reject(new Error('Connection terminated unexpectedly')));
    const gathered = new Gathered<number, number>(together);
    const outcomes = await Promise.allSettled([1, 2].map((item) => gathered.run(item)));
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(together).toHaveBeenCalledTimes(1);
  });
});

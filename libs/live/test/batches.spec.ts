import { Batches } from '../src/redis/batches';
import type { Reply } from '../src/redis/connection';

/** A node that answers when the test says so. */
function node() {
  const asked: { script: string; keys: readonly string[]; args: readonly (string | number)[] }[] = [];
  const answers: ((replies: Reply | Error) => void)[] = [];
  const batches = new Batches((script, keys, args) => {
    asked.push({ script, keys, args });
    return new Promise((resolve, reject) => {
      answers.push((reply) => (reply instanceof Error ? reject(reply) : resolve(reply)));
    });
  });
  return {
    batches,
    asked,
    turn: () => new Promise(setImmediate),
    answer: (reply: Reply | Error) => answers.shift()?.(reply),
  };
}

describe('calls of one turn', () => {
  test('go as one, each gets its own answer', async () => {
    const { batches, asked, turn, answer } = node();
    const one = batches.run('session.append', ['a'], ['x']);
    const other = batches.run('session.append', ['b'], ['y']);
    await turn();
    expect(asked).toEqual([{ script: 'session.append', keys: ['a', 'b'], args: [2, 1, 1, 'x', 'y'] }]);
    answer(['sent', null]);
    expect(await Promise.all([one, other])).toEqual(['sent', null]);
  });

  test('keep their order: only calls of one script that follow each other go together', async () => {
    const { batches, asked, turn } = node();
    void batches.run('session.append', ['a'], ['x']);
    void batches.run('room.append', ['r'], ['x']);
    void batches.run('session.append', ['b'], ['x']);
    void batches.run('session.append', ['c'], ['x', 'permissions']);
    await turn();
    expect(asked.map(({ script, keys }) => [script, ...keys])).toEqual([
      ['session.append', 'a'],
      ['room.append', 'r'],
      ['session.append', 'b'],
      ['session.append', 'c'],
    ]);
  });

  test('what comes while an answer is awaited waits and goes together', async () => {
    const { batches, asked, turn, answer } = node();
    const first = batches.run('room.append', ['a'], []);
    await turn();
    const later = [batches.run('room.append', ['b'], []), batches.run('room.append', ['c'], [])];
    await turn();
    expect(asked).toHaveLength(1);
    answer([1]);
    expect(await first).toBe(1);
    await turn();
    expect(asked[1]?.keys).toEqual(['b', 'c']);
    answer([1, 0]);
    expect(await Promise.all(later)).toEqual([1, 0]);
  });

  test('are all refused when the node does not answer, and the next ones are tried', async () => {
    const { batches, asked, turn, answer } = node();
    const calls = [batches.run('room.append', ['a'], []), batches.run('room.append', ['b'], [])];
    await turn();
    answer(new Error('away'));
    for (const call of calls) await expect(call).rejects.toThrow('away');
    void batches.run('room.append', ['c'], []);
    await turn();
    expect(asked[1]?.keys).toEqual(['c']);
  });

  test('are never so many that nobody else is served', async () => {
    const { batches, asked, turn } = node();
    for (let n = 0; n < 150; n += 1) void batches.run('session.append', [`s${n}`], []);
    await turn();
    expect(asked.map(({ keys }) => keys.length)).toEqual([64, 64, 22]);
  });
});

import { ConnectionRunner, INBOX_LIMIT, type Machine } from './connection-runner';

/** Remembers its inputs; `ask:x` wants an answer, `echo:x` feeds x back at once. */
const recorder: Machine<string[], string, string> = {
  initial: () => [],
  step: (state, input) => {
    if (input === 'throw') throw new Error('a bug');
    state.push(input);
    return { state, effects: /^(ask|echo):/.test(input) ? [input] : [] };
  },
};

function setUp() {
  const state: string[] = [];
  const answers: ((answer: string | undefined) => void)[] = [];
  const congestion: boolean[] = [];
  const broken: unknown[] = [];
  const runner: ConnectionRunner<string[], string, string> = new ConnectionRunner(
    { ...recorder, initial: () => state },
    {
      perform: (effect) => {
        if (effect.startsWith('echo:')) return runner.feed(effect.slice(5));
        return new Promise<string | undefined>((resolve) => answers.push(resolve));
      },
    },
    { congested: (full) => congestion.push(full), broken: (error) => broken.push(error) },
  );
  const answer = async (text?: string) => {
    answers.shift()?.(text);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { runner, state, answer, congestion, broken };
}

describe('connection runner', () => {
  test('frames wait for the answer of the one before; other inputs do not', async () => {
    const { runner, state, answer } = setUp();
    runner.receive('ask:1');
    runner.receive('frame 2');
    runner.feed('timer');
    expect(state).toEqual(['ask:1', 'timer']);
    await answer('answer 1');
    expect(state).toEqual(['ask:1', 'timer', 'answer 1', 'frame 2']);
  });

  test('an input fed by an effect waits until the step is done, and precedes further frames', () => {
    const { runner, state } = setUp();
    runner.receive('echo:inner');
    expect(state).toEqual(['echo:inner', 'inner']);
  });

  test('a full inbox stops the reading, an empty one lets it go on', async () => {
    const { runner, congestion, answer, state } = setUp();
    runner.receive('ask:1');
    for (let n = 0; n < INBOX_LIMIT; n += 1) runner.receive(`frame ${n}`);
    expect(congestion).toEqual([true]);
    await answer();
    expect(congestion).toEqual([true, false]);
    expect(state).toHaveLength(INBOX_LIMIT + 1);
  });

  test('a bug ends this connection only, once', () => {
    const { runner, broken, state } = setUp();
    runner.receive('throw');
    runner.receive('throw');
    runner.feed('more');
    expect(broken).toHaveLength(1);
    expect(state).toEqual([]);
  });
});

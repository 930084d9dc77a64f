import { DomainError } from '@parley/domain';
import { eventually } from '@parley/testing';
import { Gatherer, type Gathered } from './index';

const nothing: Gathered<string> = { again: new Map(), failures: [] };

function gatherer(work: (ids: readonly string[]) => Promise<Gathered<string>>, retryMs = 1) {
  const runs: string[] = [];
  const log: string[] = [];
  const logger = { warn: () => void log.push('warn'), debug: () => void log.push('debug') };
  const made = new Gatherer<string>({
    name: 'test',
    pauseMs: 5,
    retryMs,
    logger,
    work: (ids) => {
      runs.push(ids.join(' '));
      return work(ids);
    },
  });
  const ran = (...expected: string[]) =>
    eventually(
      () => JSON.stringify(runs) === JSON.stringify(expected),
      () => `runs ${expected.join(', ')}, there were ${runs.join(', ')}`,
    );
  return { made, runs, log, ran };
}

describe('a gatherer', () => {
  it('works on the first at once and on what comes meanwhile together, each after it was last named', async () => {
    let finish: () => void = () => undefined;
    const { made, ran } = gatherer((ids) =>
      ids[0] === 'a' ? new Promise((resolve) => (finish = () => resolve(nothing))) : Promise.resolve(nothing),
    );
    made.add('a');
    for (const id of ['b', 'c', 'b']) made.add(id);
    await ran('a');
    made.add('c');
    finish();
    await ran('a', 'b c');
    await made.close();
  });

  it('works again on what has to wait, and on all of it while nothing can be done', async () => {
    const answers = [{ again: new Map([['a', 3]]), failures: [] }];
    const { made, ran, log } = gatherer(async () => answers.shift() ?? nothing);
    made.add('a');
    await ran('a', 'a');
    expect(log).toEqual([]);
    await made.close();
    const other = gatherer(() => Promise.reject(new DomainError('unavailable', 'away')));
    other.made.add('a');
    await eventually(() => other.runs.length > 2, 'it to be tried again');
    await other.made.close();
    expect(new Set(other.log)).toEqual(new Set(['debug']));
  });

  it('reports what failed and tries it again', async () => {
    let tries = 0;
    const { made, ran, log } = gatherer(async ([id = '']) =>
      (tries += 1) === 1 ? { again: new Map(), failures: [{ id, error: new Error('boom') }] } : nothing,
    );
    made.add('a');
    await ran('a', 'a');
    expect(log).toEqual(['warn']);
    await made.close();
  });

  it('finishes what was named before it was closed', async () => {
    const { made, runs } = gatherer(async () => ({ again: new Map([['a', 1]]), failures: [] }));
    made.add('a');
    made.add('b');
    await made.close();
    made.add('c');
    expect(runs).toEqual(['a', 'b']);
  });
});

import { createProgress } from '../progress.mjs';
import { bar } from './bar.mjs';
import { moveDomain } from './move-domain.mjs';

const status = (phase, more = {}) => ({ phase, waitingFor: null, rowsDone: 0, rowsTotal: 10, table: null, ...more });

/** Plays these outcomes, one per step, and keeps what was reported. */
function play(outcomes) {
  const left = [...outcomes];
  const seen = [];
  const progress = {
    step: async (name, work) => {
      seen.push(name);
      await work((detail) => seen.push(detail));
    },
  };
  const step = async () => {
    const next = left.shift();
    if (next instanceof Error) throw next;
    return next;
  };
  return { seen, run: () => moveDomain({ step, progress, pause: async () => undefined }) };
}

it('shows each phase, what is waited for, and a bar while it copies', async () => {
  const { seen, run } = play([
    status('freezing', { waitingFor: '2 deliveries' }),
    status('copying', { rowsDone: 3, table: 'Room' }),
    status('copying', { rowsDone: 10 }),
    status('switching'),
    status('deleting'),
    status('done'),
  ]);
  expect(await run()).toMatchObject({ phase: 'done' });
  expect(seen).toEqual([
    'Freeze',
    'waiting for 2 deliveries',
    'Copy',
    '██████░░░░░░░░░░░░░░ 30 % (3 of 10 rows) Room',
    '████████████████████ 100 % (10 of 10 rows)',
    'Switch the directory and the new home',
    '',
    'Delete at the old home',
    '',
  ]);
});

it('begins where the move was left', async () => {
  const { seen, run } = play([status('switching'), status('done')]);
  await run();
  expect(seen[0]).toBe('Switch the directory and the new home');
});

it('waits for a region that does not answer, but not for ever, and not when it is refused', async () => {
  const away = Object.assign(new Error('us-1 does not answer'), { status: 503 });
  const { seen, run } = play([status('copying'), away, away, status('done')]);
  expect(await run()).toMatchObject({ phase: 'done' });
  expect(seen).toContain('us-1 does not answer');
  await expect(play(Array.from({ length: 1_000 }, () => away)).run()).rejects.toBe(away);
  const refused = Object.assign(new Error('rooms are open'), { status: 409 });
  await expect(play([refused]).run()).rejects.toBe(refused);
});

it('is plain lines where there is no terminal', async () => {
  const output = { text: '', write: (text) => (output.text += text) };
  const left = [status('copying'), status('done', { rowsDone: 10 })];
  await moveDomain({ step: async () => left.shift(), progress: createProgress(output, () => 0) });
  expect(output.text).toBe('Copy ...\nCopy: done (10 rows) in 0.0 s\n');
});

it('a bar is never more than full nor less than empty', () => {
  expect(bar(0, 0, 'rows')).toContain('100 %');
  expect(bar(20, 10, 'rows')).toContain('100 %');
  expect(bar(0, 10, 'rows')).toBe('░░░░░░░░░░░░░░░░░░░░ 0 % (0 of 10 rows)');
});

import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(__dirname, '..', '..');
const run = promisify(execFile);

interface Result {
  readonly targets: readonly { readonly id: string }[];
  readonly rounds: readonly (readonly {
    readonly target: string;
    readonly full: Readonly<Record<string, { readonly deliveriesPerSecond: number; readonly undelivered: number }>>;
  }[])[];
}

/** Says nothing about speed: only that everything the bench does still works. */
test('a small run of the bench delivers everything and writes its report', async () => {
  const out = await mkdtemp(join(tmpdir(), 'parley-bench-'));
  try {
    await run(process.execPath, ['tools/build.mjs'], { cwd: root });
    const args = ['bench/dist/main.js', '--smoke', '--only', 'parley-1,parley-2', '--out', out];
    const { stdout } = await run(process.execPath, args, { cwd: root });
    expect(stdout).toContain('deliveries per CPU second');
    const files = await readdir(out);
    const json = files.find((name) => name.endsWith('.json'));
    expect(files.some((name) => name.endsWith('.svg'))).toBe(true);
    const result = JSON.parse(await readFile(join(out, json ?? ''), 'utf8')) as Result;
    expect(result.rounds.flat().map(({ target }) => target)).toEqual(['parley-1', 'parley-2']);
    for (const { full } of result.rounds.flat()) {
      for (const { deliveriesPerSecond, undelivered } of Object.values(full)) {
        expect(deliveriesPerSecond).toBeGreaterThan(0);
        expect(undelivered).toBe(0);
      }
    }
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}, 180_000);

import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(__dirname, '..', '..');
const run = promisify(execFile);

interface Result {
  readonly rows: readonly { readonly name: string; readonly value: number }[];
  readonly account: Readonly<Record<'committed' | 'lost' | 'doubles' | 'stray', number>>;
}

/** Says nothing about speed: only that everything the bench does still works, and that it counts. */
test('a small run of the bench of webhooks loses nothing, tells nothing twice and writes its report', async () => {
  const out = await mkdtemp(join(tmpdir(), 'parley-bench-'));
  try {
    await run(process.execPath, ['tools/build.mjs'], { cwd: root });
    const args = ['bench/dist/main.js', 'webhooks', '--smoke', '--out', out];
    const { stdout } = await run(process.execPath, args, { cwd: root });
    expect(stdout).toContain('0 lost, 0 told twice, 0 astray');
    const files = await readdir(out);
    expect(files).toEqual(expect.arrayContaining([expect.stringMatching(/^webhooks-[\d-]+\.svg$/)]));
    const json = files.find((name) => /^webhooks-[\d-]+\.json$/.test(name));
    const { rows, account } = JSON.parse(await readFile(join(out, json ?? ''), 'utf8')) as Result;
    expect(rows.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['commit to 2xx, p50 ms', 'deliveries per second of one worker']),
    );
    expect(rows.filter(({ value }) => !Number.isFinite(value))).toEqual([]);
    // Latency: 20 events in its second; a backlog of 20 for each of three; twice 20 while one hangs and while none does.
    expect(account).toEqual(expect.objectContaining({ committed: 120, lost: 0, doubles: 0, stray: 0 }));
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}, 180_000);

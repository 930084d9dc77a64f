import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(__dirname, '..', '..');
const run = promisify(execFile);

interface Result {
  readonly nginx?: string;
  readonly figures: readonly { readonly id: string; readonly p99: number; readonly cpuMicrosPerCall: number }[];
}

/** Says nothing about speed: only that every way is measured and that the report is written. */
test('a small run of the bench of the router measures every way', async () => {
  const out = await mkdtemp(join(tmpdir(), 'parley-bench-'));
  try {
    await run(process.execPath, ['tools/build.mjs'], { cwd: root });
    await run(process.execPath, ['bench/dist/main.js', 'router', '--smoke', '--out', out], { cwd: root });
    const [file] = (await readdir(out)).filter((name) => /^router-[\d-]+\.json$/.test(name));
    const { nginx, figures } = JSON.parse(await readFile(join(out, file ?? ''), 'utf8')) as Result;
    const ways = ['direct', 'router', 'two-routers', ...(nginx === undefined ? [] : ['nginx'])];
    expect(figures.map(({ id }) => id)).toEqual(ways);
    for (const { p99, cpuMicrosPerCall } of figures) {
      expect(p99).toBeGreaterThan(0);
      expect(Number.isFinite(cpuMicrosPerCall)).toBe(true);
    }
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}, 180_000);

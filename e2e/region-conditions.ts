import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What is different about a region's processes. Takes effect when they start. */
export interface Conditions {
  /** How far the clock of the region's machines is ahead of ours, in milliseconds. */
  readonly aheadMs?: number;
  /** Services that end as soon as they are started. */
  readonly dead?: readonly string[];
  /** Services that read a directory of their own: the tables of that name in their region's database. */
  readonly ownDirectory?: readonly string[];
}

/**
 * Runs ahead of a service's own code. It only knows the region by the service's environment, so `npm start` itself and the
 * other programs that it starts are not touched.
 */
const PRELOAD = `
const { readFileSync } = require('node:fs');
const { PARLEY_REGION: region, DATABASE_URL } = process.env;
const service = /apps[\\\\/]([^\\\\/]+)[\\\\/]dist/.exec(process.argv[1] ?? '')?.[1];
if (region !== undefined && service !== undefined) {
  const all = JSON.parse(readFileSync(__dirname + '/conditions.json', 'utf8'));
  const { aheadMs = 0, dead = [], ownDirectory = [] } = all[region] ?? {};
  if (dead.includes(service)) process.exit(1);
  if (ownDirectory.includes(service)) process.env.DIRECTORY_DATABASE_URL = DATABASE_URL;
  if (aheadMs !== 0) {
    const OurDate = Date;
    const now = () => OurDate.now() + aheadMs;
    globalThis.Date = new Proxy(OurDate, {
      construct: (target, values, made) => Reflect.construct(target, values.length === 0 ? [now()] : values, made),
      apply: () => new OurDate(now()).toString(),
      get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
    });
  }
}
`;

/** Makes regions of one machine differ as they would in the world: clocks, copies of the directory, deaths that last. */
export class RegionConditions {
  private constructor(
    private readonly folder: string,
    private readonly all: Record<string, Conditions>,
  ) {}

  /** @param all by region */
  static async make(all: Readonly<Record<string, Conditions>> = {}): Promise<RegionConditions> {
    const made = new RegionConditions(await mkdtemp(join(tmpdir(), 'parley-conditions-')), { ...all });
    await writeFile(join(made.folder, 'preload.cjs'), PRELOAD);
    await made.write();
    return made;
  }

  /** For `npm start`, which hands it on to its services. */
  get env(): Readonly<Record<string, string>> {
    const given = process.env.NODE_OPTIONS ?? '';
    return { NODE_OPTIONS: `${given} --require=${join(this.folder, 'preload.cjs')}`.trim() };
  }

  /** For processes of the region that start from now on. */
  async set(region: string, conditions: Conditions): Promise<void> {
    this.all[region] = conditions;
    await this.write();
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  /** At once: a process that starts right now reads the old ones or the new ones. */
  private async write(): Promise<void> {
    const draft = join(this.folder, 'draft.json');
    await writeFile(draft, JSON.stringify(this.all));
    await rename(draft, join(this.folder, 'conditions.json'));
  }
}

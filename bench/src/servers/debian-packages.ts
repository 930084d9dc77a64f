import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SOURCES = '/etc/apt/sources.list.d/debian.sources';

/** Programs as Debian packages them, unpacked, never installed. */
export interface Unpacked {
  /** Where `usr/` and the like are. */
  readonly folder: string;
  /** Of the first package, as `dpkg` names it. */
  readonly version: string;
}

/**
 * Fetches packages with apt from a list of sources made for this purpose: the machine's own with another suite.
 * @param folder where they are kept from one run to the next
 * @param name of the folder in there
 * @throws Error saying why they cannot be had here
 */
export async function unpackDebian(
  folder: string,
  name: string,
  { suite, packages }: { readonly suite: string; readonly packages: readonly [string, ...string[]] },
): Promise<Unpacked> {
  const unpacked = join(folder, name);
  if (!existsSync(join(unpacked, 'version'))) {
    const apt = join(folder, `apt-${name}`);
    await rm(unpacked, { recursive: true, force: true });
    await rm(apt, { recursive: true, force: true });
    await download(apt, suite, packages);
    await mkdir(unpacked, { recursive: true });
    const archives = (await readdir(apt)).filter((file) => file.endsWith('.deb'));
    for (const archive of archives) await run('dpkg', ['-x', join(apt, archive), unpacked]);
    const main = archives.find((file) => file.startsWith(`${packages[0]}_`));
    if (main === undefined) throw new Error(`apt downloaded ${archives.join(', ') || 'nothing'}`);
    await writeFile(join(unpacked, 'version'), decodeURIComponent(main.split('_')[1] ?? ''));
  }
  return { folder: unpacked, version: await readFile(join(unpacked, 'version'), 'utf8') };
}

async function download(apt: string, suite: string, packages: readonly string[]): Promise<void> {
  for (const name of ['lists/partial', 'cache/archives/partial']) await mkdir(join(apt, name), { recursive: true });
  await writeFile(join(apt, 'sources.sources'), await sourcesFor(suite));
  const options = [
    ...['-o', `Dir::Etc::sourcelist=${join(apt, 'sources.sources')}`, '-o', 'Dir::Etc::sourceparts=/dev/null'],
    ...['-o', `Dir::State::lists=${join(apt, 'lists')}`, '-o', `Dir::Cache=${join(apt, 'cache')}`],
    ...['-o', 'Acquire::Languages=none', '-o', 'APT::Sandbox::User='],
  ];
  await run('apt-get', [...options, '-q', 'update']);
  await run('apt-get', [...options, '-q', 'download', ...packages], { cwd: apt });
}

/** The machine's own mirror, key and options, with this suite only. */
async function sourcesFor(suite: string): Promise<string> {
  const own = await readFile(SOURCES, 'utf8');
  const [first] = own.split(/\n\s*\n/).filter((stanza) => /^URIs:/m.test(stanza));
  if (first === undefined) throw new Error(`${SOURCES} names no archive`);
  return `${first.replace(/^Suites:.*$/m, `Suites: ${suite}`)}\n`;
}

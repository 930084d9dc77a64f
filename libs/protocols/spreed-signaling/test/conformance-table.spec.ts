import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../../../..');
const table = readFileSync(join(root, 'docs/conformance/standalone-signaling.md'), 'utf8');
const protocol = readFileSync(join(__dirname, '../PROTOCOL.md'), 'utf8');
const [lines = '', places = ''] = table.split('## Where the tests are');

/** The cells of the rows of its tables, without heads. */
function rowsOf(text: string): string[][] {
  const rows = text.split('\n').filter((row) => row.startsWith('|') && !/^\|[\s|-]+$/.test(row));
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

const files = new Map(rowsOf(places).map(([name = '', file = '']) => [name, file.replaceAll('`', '')]));
const rows = rowsOf(lines)
  .filter(([line]) => line !== 'line')
  .map(([line = '', tests = '', runsIn = '', state = '']) => {
    return { line, tests: tests.split('<br>').filter((entry) => entry !== ''), runsIn, state };
  });

/** What the wrappers of `apps/signaling/test/layouts.ts` run their tests in, as the table calls it. */
const LAYOUTS: Readonly<Record<string, string>> = {
  inEveryLayout: 'all',
  inEveryLayoutAndPolling: 'all',
  overWebSocket: 'WebSocket',
  onTwoReplicas: 'two replicas',
};

/** Where a test is written: its source and how far into it; undefined when it is not there. A transcript is a file. */
function find(entry: string): { source: string; at: number } | undefined {
  const [, short = '', name = ''] = /^([\w-]+): (.*)$/.exec(entry) ?? [];
  const file = files.get(short);
  if (file === undefined) return undefined;
  if (file.endsWith('/')) return existsSync(join(root, file, name)) ? { source: '', at: 0 } : undefined;
  const source = readFileSync(join(root, file), 'utf8');
  const at = Math.max(...["'", '"', '`'].map((quote) => source.indexOf(`${quote}${name}${quote}`)));
  return at === -1 ? undefined : { source, at };
}

/** The layouts a test runs in: those of the wrapper it is written in, which begins and ends at the left margin. */
function layoutsOf(entry: string): string {
  const { source, at } = find(entry) ?? { source: '', at: 0 };
  const [wrapper] = [...source.matchAll(/^(\w+)\(\w+, \(\) => \{$[^]*?^\}\);$/gm)].filter(
    ({ index, 0: text }) => index < at && at < index + text.length,
  );
  return LAYOUTS[wrapper?.[1] ?? ''] ?? '–';
}

/** How GitHub calls the place of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');

const headingsOf = (text: string): string[] => [...text.matchAll(/^## (.*)$/gm)].map(([, heading = '']) => heading);
/** `[5.1]: <the table>#51-connect-and-hello` */
const definitions = new Map(
  [...protocol.matchAll(/^\[(.+)\]: \.\.\/\.\.\/\.\.\/docs\/conformance\/standalone-signaling\.md#(.+)$/gm)].map(
    ([, label = '', anchor = '']) => [label, anchor],
  ),
);
/** The sections of the table a text leads to. */
const linksIn = (text: string): string[] =>
  [...text.matchAll(/\[([^\]]+)\]\[\]/g)].map(([, label = '']) => definitions.get(label) ?? `undefined ${label}`);

describe('the table of conformance', () => {
  test('names only tests that exist', () => {
    expect(rows.length).toBeGreaterThan(200);
    expect(rows.flatMap(({ tests }) => tests).filter((entry) => find(entry) === undefined)).toEqual([]);
  });

  test('every line is tested, deviates for a reason, or is said to be missing', () => {
    for (const { line, tests, state } of rows) {
      expect(state).toMatch(/^(tested$|deviates: .|missing: .)/);
      if (state === 'tested') expect([line, tests]).not.toEqual([line, []]);
    }
  });

  test('says where each line runs: all layouts, if one of its tests does', () => {
    const order = [...new Set(Object.values(LAYOUTS))];
    const wrong = rows.flatMap(({ line, tests, runsIn }) => {
      const found = tests.map(layoutsOf);
      const best = order.find((each) => found.includes(each)) ?? '–';
      return best === runsIn ? [] : [`${line}: ${best}, not ${runsIn}`];
    });
    expect(wrong).toEqual([]);
  });

  test('counts right', () => {
    const count = (state: string) => rows.filter((row) => row.state.startsWith(state)).length;
    const states = `Rows: ${count('tested')} tested, ${count('deviates')} deviate, ${count('missing')} missing`;
    expect(table).toContain(`${states}; ${rows.filter(({ runsIn }) => runsIn === 'all').length} run in all layouts.`);
  });
});

describe('PROTOCOL.md', () => {
  const anchors = headingsOf(lines).map(anchorOf);
  const sections = protocol.split(/^## /m).slice(1);

  test('leads from each of its sections, and from each line of what is supported, to the tests', () => {
    for (const section of sections) expect([section.split('\n')[0], linksIn(section).length > 0]).toContain(true);
    const [supported = ''] = sections;
    for (const [part = '', , tests = ''] of rowsOf(supported).slice(1)) {
      expect([part, linksIn(tests).length > 0]).toEqual([part, true]);
    }
  });

  test('leads to sections that are there, and to all of them', () => {
    expect(new Set(linksIn(protocol))).toEqual(new Set(anchors));
  });
});

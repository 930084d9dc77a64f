import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../../../..');
const table = readFileSync(join(root, 'docs/conformance/standalone-signaling.md'), 'utf8');
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
const rows = rowsOf(lines).filter(([line]) => line !== 'line');

/** Whether a test of this name is written there; a transcript is a file of its own. */
function isThere(entry: string): boolean {
  const [, short = '', name = ''] = /^([\w-]+): (.*)$/.exec(entry) ?? [];
  const file = files.get(short);
  if (file === undefined) return false;
  if (file.endsWith('/')) return existsSync(join(root, file, name));
  const source = readFileSync(join(root, file), 'utf8');
  return ["'", '"', '`'].some((quote) => source.includes(`${quote}${name}${quote}`));
}

describe('the table of conformance', () => {
  test('names only tests that exist', () => {
    expect(rows.length).toBeGreaterThan(150);
    const named = rows.flatMap(([, tests = '']) => tests.split('<br>').filter((entry) => entry !== ''));
    expect(named.filter((entry) => !isThere(entry))).toEqual([]);
  });

  test('every line is tested, deviates for a reason, or is said to be missing', () => {
    for (const [line = '', tests = '', state = ''] of rows) {
      expect(state).toMatch(/^(tested$|deviates: .|missing: .)/);
      if (state === 'tested') expect([line, tests]).not.toEqual([line, '']);
    }
  });
});

import { z } from 'zod';
import {
  configFiles,
  describeConfig,
  port,
  renderConfigTable,
  renderEnvExample,
  renderKnownVariables,
  secret,
  withoutSecrets,
} from './index';

const one = z.object({ PORT: port().default(8080).describe('Where to listen'), TOKEN: secret().describe('Opens a|b') });
const two = z.object({
  PORT: port().default(8080).describe('Where to listen'),
  NAME: z.string().optional().describe('A name'),
});
const rows = describeConfig({ one, two });

describe('describeConfig', () => {
  it('merges the services, one row per variable', () => {
    expect(rows.map(({ name, services, optional, secret: isSecret }) => [name, services, optional, isSecret])).toEqual([
      ['PORT', ['one', 'two'], true, false],
      ['TOKEN', ['one'], false, true],
      ['NAME', ['two'], true, false],
    ]);
  });

  it('gives a variable a second row where it means something else, but a name to look up once', () => {
    const other = z.object({ PORT: port().prefault('9').describe('Where to call') });
    const both = describeConfig({ one, two, other });
    expect(both.map(({ name, services, defaultText }) => [name, services, defaultText])).toEqual([
      ['PORT', ['one', 'two'], '8080'],
      ['TOKEN', ['one'], undefined],
      ['NAME', ['two'], undefined],
      ['PORT', ['other'], '9'],
    ]);
    expect(renderKnownVariables(both).match(/'PORT'/g)).toHaveLength(1);
  });

  it('renders the table', () => {
    expect(renderConfigTable(rows, 2).split('\n').slice(2)).toEqual([
      '| `PORT` | all | `8080` | Where to listen. |',
      '| `TOKEN` | one | **required** | Opens a\\|b. Secret, also as `TOKEN_FILE`. |',
      '| `NAME` | two |  | A name. |',
    ]);
  });

  it('renders the example: required ones to be filled in, the others commented out', () => {
    const lines = renderEnvExample(rows, 2).split('\n');
    expect(lines).toEqual(expect.arrayContaining(['# PORT=8080', 'TOKEN=', '# NAME=']));
  });

  it('puts the table between the comments of the README and nowhere else', () => {
    const files = configFiles({ one }, 'before\n<!-- config:begin -->\nold\n<!-- config:end -->\nafter\n');
    expect(files['README.md']).toMatch(
      /^before\n<!-- config:begin -->\n\n\| variable[^]*\|\n\n<!-- config:end -->\nafter\n$/,
    );
    expect(configFiles({ one }, files['README.md'] ?? '')).toEqual(files);
    expect(() => configFiles({ one }, 'nothing')).toThrow('README.md lacks');
  });
});

it('withoutSecrets masks secrets and nothing else', () => {
  expect(withoutSecrets(one, { PORT: 1, TOKEN: 'x' })).toEqual({ PORT: 1, TOKEN: '***' });
});

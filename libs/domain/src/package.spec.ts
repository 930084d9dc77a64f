import { readFileSync } from 'node:fs';
import { join } from 'node:path';

it('the domain needs nobody, and its tests only somebody who thinks of cases', () => {
  const manifest = JSON.parse(readFileSync(join(__dirname, '..', 'package.json'), 'utf8')) as Record<string, unknown>;
  for (const kind of ['dependencies', 'peerDependencies', 'optionalDependencies']) {
    expect(manifest[kind]).toBeUndefined();
  }
  expect(Object.keys(manifest.devDependencies ?? {})).toEqual(['fast-check']);
});

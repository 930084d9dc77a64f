import { readFileSync } from 'node:fs';
import { join } from 'node:path';

it('the domain needs nobody', () => {
  const manifest = JSON.parse(readFileSync(join(__dirname, '..', 'package.json'), 'utf8')) as Record<string, unknown>;
  for (const kind of ['dependencies', 'peerDependencies', 'optionalDependencies', 'devDependencies']) {
    expect(manifest[kind]).toBeUndefined();
  }
});

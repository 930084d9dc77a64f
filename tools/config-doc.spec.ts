import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configFiles, describeConfig } from '@parley/config';

const root = join(__dirname, '..');
const SERVICES = ['region-router', 'api', 'signaling', 'webhooks'];
const read = (path: string) => readFileSync(join(root, path), 'utf8');

type Schema = Parameters<typeof configFiles>[0][string];

/** Each service's `configSchema`, from its sources; required by path, since tools import no service. */
async function schemaOf(service: string): Promise<Schema> {
  const loaded = (await import(join(root, 'apps', service, 'src/config'))) as { configSchema?: Schema };
  if (loaded.configSchema === undefined) throw new Error(`apps/${service}/src/config.ts exports no configSchema`);
  return loaded.configSchema;
}

describe('files generated from the configuration schemas', () => {
  it('are fresh; otherwise run: node tools/config-doc.mjs', async () => {
    const schemas: Record<string, Schema> = {};
    for (const service of SERVICES) schemas[service] = await schemaOf(service);
    for (const [path, content] of Object.entries(configFiles(schemas, read('README.md')))) {
      expect({ path, content: read(path) }).toEqual({ path, content });
    }
  });

  it.each(SERVICES)('describe every variable of %s', async (service) => {
    const rows = describeConfig({ [service]: await schemaOf(service) });
    expect(rows.filter((row) => row.description === '').map((row) => row.name)).toEqual([]);
  });
});

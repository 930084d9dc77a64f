import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const repositoryRoot = join(__dirname, '../..');

const manifest = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as { readonly version: string };

/** The version that images carry. */
export const repositoryVersion = manifest.version;

/** The services: every folder of `apps/` that is a Node process (the web page is not one). */
export const serviceNames: readonly string[] = readdirSync(join(repositoryRoot, 'apps')).filter(
  (name) => name !== 'web',
);

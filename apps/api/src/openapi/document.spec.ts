import { readFileSync } from 'node:fs';
import { OPENAPI_FILE, openApiText } from '../openapi';
import { openApiDocument } from './document';

it('openapi.json is what the schemas say; if not: node tools/build.mjs && node apps/api/dist/openapi.js', () => {
  expect(readFileSync(OPENAPI_FILE, 'utf8')).toBe(openApiText());
});

it('refers only to schemas that are there', () => {
  const text = openApiText();
  const { components } = openApiDocument() as { components: { schemas: Record<string, unknown> } };
  const referred = [...text.matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name);
  expect(referred.length).toBeGreaterThan(20);
  for (const name of new Set(referred)) expect(Object.keys(components.schemas)).toContain(name);
});

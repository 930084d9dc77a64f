import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openApiDocument } from './openapi/document';

/** Writes `apps/api/openapi.json`: `node apps/api/dist/openapi.js` after a build. */
export const OPENAPI_FILE = join(__dirname, '..', 'openapi.json');

/** The document as it stands in the file. */
export function openApiText(): string {
  return `${JSON.stringify(openApiDocument(), null, 2)}\n`;
}

if (require.main === module) writeFileSync(OPENAPI_FILE, openApiText());

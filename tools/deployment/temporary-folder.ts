import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder for the tests of this file, removed after them. Call it while tests are being declared. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'parley-deployment-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  return folder;
}

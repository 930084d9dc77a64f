import { renameSync, writeFileSync } from 'node:fs';

/** Writes JSON that only its owner may read, at once: a reader sees the old file or the new one. */
export function writePrivateFile(file, value) {
  const draft = `${file}.${process.pid}.tmp`;
  writeFileSync(draft, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, file);
}

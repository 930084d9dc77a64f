import type { Sealer } from '../sealing';
import type { Row } from './tables';

const SUFFIX = 'Sealed';

/**
 * The row with its secrets in the clear, to be sealed again where it goes: every region has master keys of its own.
 * Columns that hold secrets end in `Sealed`, and are sealed under their table, their row's id and their name without it.
 * @throws SealBroken
 */
export function opened(sealer: Sealer, table: string, row: Row): Row {
  return replaced(table, row, (place, text) => sealer.open(place, text));
}

/** The row with its secrets sealed with the keys of this region. */
export function sealed(sealer: Sealer, table: string, row: Row): Row {
  return replaced(table, row, (place, text) => sealer.seal(place, text));
}

type Place = Parameters<Sealer['seal']>[0];

function replaced(table: string, row: Row, change: (place: Place, text: string) => string): Row {
  const changed = { ...row };
  for (const [column, value] of Object.entries(row)) {
    if (!column.endsWith(SUFFIX) || typeof value !== 'string') continue;
    const id = table === 'Domain' ? row['name'] : row['id'];
    if (typeof id !== 'string') throw new Error(`${table} has secrets, but no id to seal them under`);
    changed[column] = change({ table, row: id, column: column.slice(0, -SUFFIX.length) }, value);
  }
  return changed;
}

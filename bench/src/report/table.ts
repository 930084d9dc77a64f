import type { Target, TargetId } from '../servers/target';
import type { Row } from './summary';

const NAME_WIDTH = 56;
const WIDTH = 11;

/** The report as text: medians, and how ours compare with the Go server of the same size. */
export function tableOf(rows: readonly Row[], targets: readonly Pick<Target, 'id'>[]): string {
  const ids = targets.map(({ id }) => id);
  const compared = ids.filter((id) => rows.some((row) => row.ratios[id] !== undefined));
  const head = ['', ...ids, ...compared.map((id) => `${id}/go`)];
  const body = rows.map((row) => [
    row.name,
    ...ids.map((id) => shown(row.medians[id], row.digits)),
    ...compared.map((id) => ratio(row, id)),
  ]);
  return [head, ...body].map(line).join('\n');
}

function line([name = '', ...cells]: readonly string[]): string {
  return name.padEnd(NAME_WIDTH) + cells.map((cell) => cell.padStart(WIDTH)).join('');
}

function shown(value: number | undefined, digits: number): string {
  return value === undefined ? '-' : value.toFixed(digits);
}

/** With a mark where ours is the worse one. */
function ratio({ ratios, better }: Row, id: TargetId): string {
  const value = ratios[id];
  if (value === undefined) return '-';
  const worse = better === 'higher' ? value < 1 : value > 1;
  return `${value.toFixed(2)}${worse ? ' !' : '  '}`;
}

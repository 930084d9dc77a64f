import type { Target, TargetId } from '../servers/target';
import type { Row } from './summary';

const PANEL = { width: 480, height: 180, left: 16, top: 44 };
const COLUMNS = 2;
const COLOURS: Readonly<Record<TargetId, string>> = {
  'parley-1': '#1f6f8b',
  'parley-2': '#2fa4c7',
  'go-1': '#8a8a8a',
  'go-2': '#b9b9b9',
};
const BAR = 22;
const STEP = 32;
const LABEL = 190;

/** Bars per measure, one panel each, as SVG. */
export function plotOf(rows: readonly Row[], targets: readonly Target[], title: string): string {
  const lines = Math.ceil(rows.length / COLUMNS);
  const width = COLUMNS * PANEL.width + PANEL.left * 2;
  const height = PANEL.top + lines * PANEL.height;
  const panels = rows.map((row, index) => {
    const x = PANEL.left + (index % COLUMNS) * PANEL.width;
    const y = PANEL.top + Math.floor(index / COLUMNS) * PANEL.height;
    return `<g transform="translate(${x} ${y})">${panel(row, targets)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="DejaVu Sans, Arial, sans-serif">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(PANEL.left, 26, title, 15, 'bold'),
    ...panels,
    '</svg>',
    '',
  ].join('\n');
}

function panel(row: Row, targets: readonly Target[]): string {
  const largest = Math.max(...targets.map(({ id }) => row.medians[id] ?? 0), Number.MIN_VALUE);
  const room = PANEL.width - LABEL - 80;
  const bars = targets.map(({ id, title }, index) => {
    const value = row.medians[id] ?? 0;
    const y = 30 + index * STEP;
    const length = Math.max(1, (Math.max(0, value) / largest) * room);
    const middle = y + BAR / 2 + 4;
    return (
      text(LABEL - 6, middle, title, 11, 'normal', 'end') +
      `<rect x="${LABEL}" y="${y}" width="${length.toFixed(1)}" height="${BAR}" fill="${COLOURS[id]}"/>` +
      text(LABEL + length + 5, middle, value.toLocaleString('en', { maximumFractionDigits: row.digits }), 11)
    );
  });
  return text(0, 16, `${row.name} (${row.better} is better)`, 11, 'bold') + bars.join('');
}

function text(x: number, y: number, content: string, size: number, weight = 'normal', anchor = 'start'): string {
  const safe = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size}" font-weight="${weight}" text-anchor="${anchor}">${safe}</text>`;
}

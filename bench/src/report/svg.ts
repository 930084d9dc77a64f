const PANEL = { width: 480, height: 180, left: 16, top: 44 };
const COLUMNS = 2;
const BAR = 22;
const STEP = 32;
const LABEL = 190;

/** One bar of a panel. */
export interface Bar {
  readonly label: string;
  readonly value: number;
  readonly colour: string;
}

export interface Panel {
  readonly title: string;
  /** Four at most. */
  readonly bars: readonly Bar[];
  /** Places after the point. */
  readonly digits: number;
  /** Drawn as a line. */
  readonly goal?: number;
}

/** Bars, one panel per measure, as SVG. */
export function drawPanels(title: string, panels: readonly Panel[]): string {
  const lines = Math.ceil(panels.length / COLUMNS);
  const width = COLUMNS * PANEL.width + PANEL.left * 2;
  const height = PANEL.top + lines * PANEL.height;
  const drawn = panels.map((panel, index) => {
    const x = PANEL.left + (index % COLUMNS) * PANEL.width;
    const y = PANEL.top + Math.floor(index / COLUMNS) * PANEL.height;
    return `<g transform="translate(${x} ${y})">${drawPanel(panel)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="DejaVu Sans, Arial, sans-serif">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(PANEL.left, 26, title, 15, 'bold'),
    ...drawn,
    '</svg>',
    '',
  ].join('\n');
}

function drawPanel({ title, bars, digits, goal }: Panel): string {
  const largest = Math.max(...bars.map(({ value }) => value), goal ?? 0, Number.MIN_VALUE);
  const room = PANEL.width - LABEL - 80;
  const lengthOf = (value: number): number => Math.max(1, (Math.max(0, value) / largest) * room);
  const drawn = bars.map(({ label, value, colour }, index) => {
    const y = 30 + index * STEP;
    const length = lengthOf(value);
    const middle = y + BAR / 2 + 4;
    return (
      text(LABEL - 6, middle, label, 11, 'normal', 'end') +
      `<rect x="${LABEL}" y="${y}" width="${length.toFixed(1)}" height="${BAR}" fill="${colour}"/>` +
      text(LABEL + length + 5, middle, value.toLocaleString('en', { maximumFractionDigits: digits }), 11)
    );
  });
  return (
    text(0, 16, title, 11, 'bold') +
    drawn.join('') +
    (goal === undefined
      ? ''
      : goalLine(goal.toLocaleString('en', { maximumFractionDigits: digits }), lengthOf(goal), bars))
  );
}

function goalLine(goal: string, length: number, bars: readonly Bar[]): string {
  const x = (LABEL + length).toFixed(1);
  const end = 30 + (bars.length - 1) * STEP + BAR + 6;
  return (
    `<line x1="${x}" y1="24" x2="${x}" y2="${end}" stroke="#c0392b" stroke-width="1.5" stroke-dasharray="4 3"/>` +
    text(LABEL + length, end + 12, `goal ${goal}`, 10, 'normal', 'middle')
  );
}

function text(x: number, y: number, content: string, size: number, weight = 'normal', anchor = 'start'): string {
  const safe = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size}" font-weight="${weight}" text-anchor="${anchor}">${safe}</text>`;
}

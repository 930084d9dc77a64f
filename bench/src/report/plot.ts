import type { Target, TargetId } from '../servers/target';
import type { Row } from './summary';
import { drawPanels } from './svg';

const COLOURS: Readonly<Record<TargetId, string>> = {
  'parley-1': '#1f6f8b',
  'parley-2': '#2fa4c7',
  'go-1': '#8a8a8a',
  'go-2': '#b9b9b9',
};

/** Bars per measure, one panel each, as SVG. */
export function plotOf(rows: readonly Row[], targets: readonly Target[], title: string): string {
  const panels = rows.map(({ name, better, medians, digits }) => ({
    title: `${name} (${better} is better)`,
    bars: targets.map(({ id, title: label }) => ({ label, value: medians[id] ?? 0, colour: COLOURS[id] })),
    digits,
  }));
  return drawPanels(title, panels);
}

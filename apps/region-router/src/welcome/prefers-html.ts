/**
 * Whether a caller would rather read a page than JSON, by its `Accept` header (RFC 9110, section 12.5.1). Browsers name
 * `text/html`; programs that name nothing, or everything alike, get JSON.
 */
export function prefersHtml(accept: string | undefined): boolean {
  const html = qualityOf(accept, 'text/html');
  return html !== undefined && html > 0 && html >= (qualityOf(accept, 'application/json') ?? 0);
}

/** The quality that a type is given by its own name; undefined when it is not named. */
function qualityOf(accept: string | undefined, type: string): number | undefined {
  for (const part of (accept ?? '').toLowerCase().split(',')) {
    const [name, ...parameters] = part.split(';').map((piece) => piece.trim());
    if (name !== type) continue;
    const quality = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1);
    return Number.isNaN(quality) ? 0 : quality;
  }
  return undefined;
}

import { prefersHtml } from './prefers-html';

it.each([
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', true],
  ['text/html', true],
  ['TEXT/HTML;q=0.5, application/json;q=0.4', true],
  ['application/json, text/html;q=0.9', false],
  ['text/html;q=0', false],
  ['text/html;q=much', false],
  ['application/json', false],
  ['*/*', false],
  ['', false],
  [undefined, false],
])('%j: a page is preferred: %s', (accept, expected) => expect(prefersHtml(accept)).toBe(expected));

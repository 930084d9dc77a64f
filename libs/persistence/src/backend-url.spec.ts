import { backendBaseUrl, urlPrefixes } from './backend-url';

describe("a backend's URL", () => {
  test.each([
    ['https://Cloud.Test:443', 'https://cloud.test/'],
    ['http://cloud.test:80/nc?x=1#y', 'http://cloud.test/nc/'],
    ['https://cloud.test:8443/nc/', 'https://cloud.test:8443/nc/'],
    ['ftp://cloud.test/', undefined],
    ['https://user:secret@cloud.test/', undefined],
    ['/relative', undefined],
    [`https://cloud.test${'/a'.repeat(33)}`, undefined],
  ])('%s is kept as %s', (given, kept) => {
    expect(backendBaseUrl(given)).toBe(kept);
  });

  test('the longest beginning comes first, whole segments only, never another scheme or port', () => {
    expect(urlPrefixes('https://cloud.test:443/nc/index.php?x')).toEqual([
      'https://cloud.test/nc/index.php/',
      'https://cloud.test/nc/',
      'https://cloud.test/',
    ]);
    expect(urlPrefixes('http://cloud.test:8080')).toEqual(['http://cloud.test:8080/']);
    expect(urlPrefixes('https://cloud.test.evil.test/')).not.toContain('https://cloud.test/');
    expect(urlPrefixes('no url')).toEqual([]);
  });
});

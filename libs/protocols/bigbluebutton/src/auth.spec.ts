import { draftChecksum, modernChecksum, splitChecksum, verifyChecksum } from './index';

const SALT = '639259d4-9dd8-4b25-bf01-95f9567eaf4b';
const QUERY = 'name=Test+Meeting&meetingID=abc123&attendeePW=111222&moderatorPW=333444';

const SUMS = {
  draft: 'fe1f3f036d420997a5aa6fdadb21eba346a892ad',
  sha1: '1fcbb0c4fc1f039f73aa6d697d2db9ba7f803f17',
  sha256: 'da9185f7f333cfdfcd6eeac32dca3777510c4c436020d8b887ba5515bd1d189e',
  sha384: '891ac633df39d0a1b4f8d597f3e190833216c4b29c4fb51ea3ca72757eeb958d6e7b49a845cf29f5c6019c7d29d029d1',
  sha512:
    'de73ad61d11a5c801b68d4bd6ec5248546085cefb0b25c85f3c46249ea93a3a4b120f92c0a8a58d7512cb77821884951a3b01245f3435dbbef49fff3cc3988b4',
};

describe('BigBlueButton checksums', () => {
  it("the draft's printed example", () => {
    expect(draftChecksum(QUERY, SALT)).toBe(SUMS.draft);
    expect(verifyChecksum('create', `${QUERY}&checksum=${SUMS.draft}`, SALT)).toBe('draft');
  });

  it.each(['sha1', 'sha256', 'sha384', 'sha512'] as const)('released servers: %s, chosen by length', (algorithm) => {
    expect(modernChecksum('create', QUERY, SALT, algorithm)).toBe(SUMS[algorithm]);
    expect(verifyChecksum('create', `${QUERY}&checksum=${SUMS[algorithm]}`, SALT)).toBe('modern');
    expect(verifyChecksum('join', `${QUERY}&checksum=${SUMS[algorithm]}`, SALT)).toBeUndefined();
  });

  it('getMeetings without parameters, in the shapes clients send', () => {
    const sum = '2027baa7771026e9e93392f55031535d1444c41f';
    expect(verifyChecksum('getMeetings', `checksum=${sum}`, SALT)).toBe('modern');
    expect(verifyChecksum('getMeetings', `&checksum=${sum}`, SALT)).toBe('modern');
  });

  it('are taken out of the raw query wherever they stand', () => {
    expect(splitChecksum('checksum=x&a=1&b=%20+')).toEqual({ query: 'a=1&b=%20+', checksum: 'x' });
    expect(splitChecksum('a=1&checksum=x&b=2')).toEqual({ query: 'a=1&b=2', checksum: 'x' });
    expect(splitChecksum('a=1&b=2&checksum=x')).toEqual({ query: 'a=1&b=2', checksum: 'x' });
    expect(splitChecksum('a=1')).toEqual({ query: 'a=1', checksum: undefined });
  });

  it('are refused when doubled, missing, wrong or of an odd length', () => {
    const signed = `${QUERY}&checksum=${SUMS.sha1}`;
    expect(verifyChecksum('create', `${signed}&checksum=${SUMS.sha1}`, SALT)).toBeUndefined();
    expect(verifyChecksum('create', QUERY, SALT)).toBeUndefined();
    expect(verifyChecksum('create', signed, 'other salt')).toBeUndefined();
    expect(verifyChecksum('create', `${QUERY}&checksum=abc`, SALT)).toBeUndefined();
    expect(verifyChecksum('create', `${QUERY}&checksum=${'ü'.repeat(20)}`, SALT)).toBeUndefined();
    expect(verifyChecksum('create', QUERY.replace('+', '%20') + `&checksum=${SUMS.sha1}`, SALT)).toBeUndefined();
  });
});

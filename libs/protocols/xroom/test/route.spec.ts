import { type Collection, classify, decodeEnvelope, errorEnvelope, mergeLists, successEnvelope } from '../src';

const target = (collection: Collection, method: string, data?: unknown) =>
  classify(collection, Buffer.from(JSON.stringify({ method, data })));

describe('where a call belongs', () => {
  it('to the domain in the room id or the domain field', () => {
    expect(target('room', 'init', { id: 'Chat.Example/a' })).toEqual({ kind: 'domain', domain: 'chat.example' });
    expect(target('room', 'list', { id: 'x.example/a', domain: 'chat.example' })).toEqual({
      kind: 'domain',
      domain: 'chat.example',
    });
    expect(target('booking', 'list', { domain: 'chat.example' })).toEqual({ kind: 'domain', domain: 'chat.example' });
    expect(target('webhook', 'list', { domain: 'chat.example' })).toEqual({ kind: 'domain', domain: 'chat.example' });
  });

  it('to the region that issued a webhook id', () => {
    expect(target('webhook', 'remove', { id: 2049 })).toEqual({ kind: 'webhook', id: 2049 });
    expect(target('webhook', 'validate', { id: 2049 })).toEqual({ kind: 'webhook', id: 2049 });
  });

  it('to every region of the account, for a list of everything', () => {
    expect(target('room', 'list')).toEqual({ kind: 'account' });
    expect(target('room', 'list', { domain: null })).toEqual({ kind: 'account' });
  });

  it('to the domain it names even when it will be refused', () => {
    const domain = { kind: 'domain', domain: 'chat.example' };
    expect(target('room', 'init', { id: 'chat.example/a', type: 7 })).toEqual(domain);
    expect(target('room', 'nonsense', { id: 'chat.example/a/b' })).toEqual(domain);
    expect(target('booking', 'add', { domain: 'chat.example' })).toEqual(domain);
  });

  it('nowhere when it cannot be read', () => {
    expect(target('room', 'init', { id: 'nonsense' })).toEqual({ kind: 'unknown' });
    expect(target('booking', 'list')).toEqual({ kind: 'unknown' });
    expect(target('webhook', 'remove', { id: 'x' })).toEqual({ kind: 'unknown' });
    expect(classify('room', Buffer.from('{'))).toEqual({ kind: 'unknown' });
  });
});

describe('lists of several regions', () => {
  it('are one list', () => {
    const merged = mergeLists([
      successEnvelope({ 'a.example': {} }),
      successEnvelope({ 'b.example': { 'b.example/x': 1 } }),
    ]);
    expect(merged).toEqual(successEnvelope({ 'a.example': {}, 'b.example': { 'b.example/x': 1 } }));
  });

  it('are an error when one region answers one', () => {
    expect(mergeLists([successEnvelope({}), errorEnvelope('down')])).toEqual(errorEnvelope('down'));
  });

  it('are read back from the wire', () => {
    const bytes = Buffer.from(JSON.stringify(successEnvelope({ x: 1 })));
    expect(decodeEnvelope(bytes)).toEqual({ ok: true, value: successEnvelope({ x: 1 }) });
    expect(decodeEnvelope(Buffer.from('{"isError":true,"errMsg":"","data":null}')).ok).toBe(false);
    expect(decodeEnvelope(Buffer.from('<html>')).ok).toBe(false);
  });
});

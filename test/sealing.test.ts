/** Sealed texts: for one owner, under one of the keys, and whole. */
import { newSealingKey, Sealing } from '../src/sealing';

const [OLD, NEW] = [newSealingKey(), newSealingKey()];
const TEXT = 'a text with \u00e9';

test('what was sealed opens again, and never looks the same', () => {
  const sealing = new Sealing([OLD]);
  const sealed = Array.from({ length: 100 }, () => sealing.seal(TEXT, 'ada'));
  expect(new Set(sealed).size).toBe(100);
  for (const each of sealed) expect(sealing.open(each, 'ada')).toBe(TEXT);
  expect(sealing.open(sealing.seal('', 'ada'), 'ada')).toBe('');
});

test('it opens for its owner only, under its key only, and unchanged only', () => {
  const sealing = new Sealing([OLD]);
  const sealed = sealing.seal(TEXT, 'ada');
  expect(() => sealing.open(sealed, 'eve')).toThrow('unable to authenticate');
  expect(() => new Sealing([NEW]).open(sealed, 'ada')).toThrow('which is not in FUSECAST_SECRET_KEY');
  const [name, body] = sealed.split('.');
  const bytes = Buffer.from(body, 'base64url');
  for (let i = 0; i < bytes.length; i++) {
    const changed = Buffer.from(bytes);
    changed[i] ^= 1;
    expect(() => sealing.open(`${name}.${changed.toString('base64url')}`, 'ada')).toThrow('unable to authenticate');
  }
  for (const cut of [name, `${name}.`, `${name}.${bytes.subarray(0, 27).toString('base64url')}`]) {
    expect(() => sealing.open(cut, 'ada')).toThrow('cut');
  }
  const shortened = bytes.subarray(0, -1).toString('base64url');
  expect(() => sealing.open(`${name}.${shortened}`, 'ada')).toThrow('unable to authenticate');
});

test('a new key seals while the old one still opens', () => {
  const before = new Sealing([OLD]).seal(TEXT, 'ada');
  const both = new Sealing([NEW, OLD]);
  expect(both.open(before, 'ada')).toBe(TEXT);
  expect(new Sealing([NEW]).open(both.seal(TEXT, 'ada'), 'ada')).toBe(TEXT);
});

test('a key is the base64 of 32 bytes', () => {
  for (const keys of [
    [],
    [''],
    [Buffer.alloc(31).toString('base64')],
    [Buffer.alloc(32).toString('hex')],
    [OLD, 'x'],
  ]) {
    expect(() => new Sealing(keys)).toThrow('the base64 of 32 bytes');
  }
});

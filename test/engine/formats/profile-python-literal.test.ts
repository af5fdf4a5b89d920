import fc from 'fast-check';
import { PythonLiteralError, parsePythonDict } from '../../../src/engine/formats/profile-python-literal';

/** A text as Python's repr() writes it, in either quote. */
function quoted(text: string, quote: string): string {
  const body = [...text].map((character) => {
    if (character === '\\' || character === quote) return `\\${character}`;
    if (character === '\n') return '\\n';
    return character;
  });
  return `${quote}${body.join('')}${quote}`;
}

function failure(text: string): { position: number; expected: string } {
  try {
    parsePythonDict(text);
  } catch (error) {
    if (error instanceof PythonLiteralError) return { position: error.position, expected: error.expected };
    throw error;
  }
  throw new Error(`${text} was read`);
}

const space = fc.constantFrom('', ' ', '\t', '\n', '  ');
const value = fc.oneof(fc.string(), fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }));
const entries = fc.uniqueArray(fc.tuple(fc.string(), value, fc.constantFrom("'", '"')), { selector: ([key]) => key });

test('every dict of strings and numbers reads back as it was written', () => {
  fc.assert(
    fc.property(entries, space, fc.boolean(), (dict, gap, trailingComma) => {
      const items = dict.map(([key, item, quote]) => {
        const text = typeof item === 'string' ? quoted(item, quote) : String(item);
        return `${gap}${quoted(key, quote)}${gap}:${gap}${text}${gap}`;
      });
      const comma = trailingComma && items.length > 0 ? ',' : '';
      const read = parsePythonDict(`${gap}{${items.join(',')}${comma}${gap}}${gap}`);
      // -0 is written as 0.
      expect([...read]).toEqual(dict.map(([key, item]) => [key, item === 0 ? 0 : item]));
    }),
    { numRuns: 300 },
  );
});

test('a literal that is cut anywhere is refused at a position within it', () => {
  const whole = "{'Input_shape': '224', \"it's\": -1.5e3, 'a\\'b': '\\u00e9'}";
  expect(parsePythonDict(whole)).toEqual(
    new Map<string, unknown>([
      ['Input_shape', '224'],
      ["it's", -1500],
      ["a'b", 'é'],
    ]),
  );
  fc.assert(
    fc.property(fc.integer({ min: 0, max: whole.length - 1 }), (length) => {
      expect(failure(whole.slice(0, length)).position).toBeLessThanOrEqual(length);
    }),
    { numRuns: 300 },
  );
});

test.each([
  ['', 0, "'{'"],
  ['[1]', 0, "'{'"],
  ["{'a' 1}", 5, "':'"],
  ["{'a': }", 6, 'a string or a number'],
  ["{'a': None}", 6, 'a string or a number'],
  ["{'a': 007}", 6, 'a string or a number'],
  ["{'a': 1e999}", 6, 'a finite number'],
  ["{'a': 0x10}", 7, "',' or '}'"],
  ["{'a': 1 + 1}", 8, "',' or '}'"],
  ["{'a': __import__('os')}", 6, 'a string or a number'],
  ["{'a': [1]}", 6, 'a string or a number'],
  ["{'a': r'x'}", 6, 'a string or a number'],
  ['{a: 1}', 1, 'a quoted key'],
  ['{,}', 1, 'a quoted key'],
  ["{'a': 1,,}", 8, 'a quoted key'],
  ["{'a': 'b}", 9, "the closing '"],
  ["{'a': '\\q'}", 7, 'an escape of a character'],
  ["{'a': '\\x4'}", 7, 'an escape of a character'],
  ["{'a': 1} x", 9, 'the end'],
  ["{'a': 1, 'a': 2}", 9, 'a key other than "a", which stood before'],
])('%j is refused at character %d', (text, position, expected) => {
  expect(failure(text)).toEqual({ position, expected });
});
